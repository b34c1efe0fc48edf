import pytest
import torch

from slug_lightning.functional import retain_aware


def batches(count=5, rows=4, columns=3, seed=0):
    return torch.randn(count, rows, columns, generator=torch.Generator().manual_seed(seed)).double()


def moments(some):
    return sum(g @ g.T for g in some), sum(g.T @ g for g in some)


def bound(some, damping=0.1):
    """The damped ``L^1/2 (x) R^1/2`` as one matrix over the row-major entries of a layer."""
    roots = []
    for moment in moments(some):
        values, vectors = torch.linalg.eigh(moment)
        roots.append(vectors @ torch.diag((values / values.mean() + damping).sqrt()) @ vectors.T)
    return torch.kron(*roots)


def test_it_is_the_best_direction_under_the_bound():
    """No direction of the same bounded harm raises the loss more: it solves the dense problem."""
    some, g = batches(), batches(1, seed=1)[0]
    found = retain_aware(g, *moments(some)).double()
    dense = torch.linalg.solve(bound(some), g.flatten()).reshape(g.shape)
    torch.testing.assert_close(found, dense * g.norm() / dense.norm(), atol=1e-6, rtol=1e-5)

    def gain(d):
        d = d.flatten()
        return d @ g.flatten() / (d @ bound(some) @ d).sqrt()

    others = [g, *batches(200, seed=2), *(found + 0.01 * noise for noise in batches(200, seed=3))]
    assert all(gain(other) <= gain(found) + 1e-6 for other in others)


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_is_above_the_change_of_all_retain_losses(seed):
    """``sum_b <g_b, d>^2 <= r d^T (L^1/2 (x) R^1/2) d``, in the undamped scale of both matrices."""
    some, d = batches(seed=seed), batches(1, seed=seed + 50)[0].flatten()
    fisher = sum((g.flatten() @ d) ** 2 for g in some)
    scale = torch.stack([torch.linalg.eigvalsh(m).mean() for m in moments(some)]).prod().sqrt()
    assert fisher <= 3 * scale * (d @ bound(some, damping=0.0) @ d) * (1 + 1e-9)


def test_retain_gradients_in_one_row_take_the_update_out_of_that_row():
    g, some = torch.ones(3, 3).double(), torch.zeros(1, 3, 3).double()
    some[0, 1] = torch.tensor([1.0, 2.0, 3.0])
    found = retain_aware(g, *moments(some), damping=1e-4)
    assert found[1].norm() < 0.02 * found[0].norm()
    assert found[0].norm() == pytest.approx(float(found[2].norm()))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_scale_of_the_moments_is_of_no_matter_and_the_norm_is_that_of_the_gradient(scale):
    some, g = batches(), batches(1, seed=1)[0]
    rows, columns = moments(some)
    found = retain_aware(g, scale * rows, scale * columns)
    torch.testing.assert_close(found, retain_aware(g, rows, columns))
    assert found.norm() == pytest.approx(float(g.norm()))
    assert found.dtype == torch.float32


def test_much_damping_no_retain_gradient_or_none_to_forget_leave_the_gradient():
    g = batches(1, seed=1)[0]
    torch.testing.assert_close(retain_aware(g, *moments(batches()), damping=1e9), g.float())
    torch.testing.assert_close(retain_aware(g, torch.zeros(4, 4), torch.zeros(3, 3)), g.float())
    assert torch.equal(retain_aware(0 * g, *moments(batches())), torch.zeros(4, 3))


def test_convolutions_are_matrices_of_their_output_channels():
    g = torch.randn(4, 3, 2, 2)
    some = batches(columns=12)
    torch.testing.assert_close(
        retain_aware(g, *moments(some)), retain_aware(g.flatten(1), *moments(some)).reshape(g.shape)
    )
