import torch
import torch.nn.functional as F

from slug_lightning.functional import class_embeddings, most_recognised, true_class_rank, with_margin


def test_class_embedding_is_the_unit_mean_of_unit_prompts():
    prompts = torch.randn(3, 4, 8)
    expected = torch.stack([F.normalize(sum(p / p.norm() for p in prompts[c]) / 4, dim=0) for c in range(3)])
    torch.testing.assert_close(class_embeddings(prompts), expected)


def test_rank_zero_is_argmax_also_with_ties():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randint(0, 4, (200, 6), generator=generator).float()
    labels = torch.randint(0, 6, (200,), generator=generator)
    first = torch.tensor([row.tolist().index(max(row.tolist())) for row in logits])
    assert torch.equal(true_class_rank(logits, labels) == 0, first == labels)


def test_rank_below_k_is_membership_of_the_k_best():
    logits, labels = torch.randn(100, 9), torch.randint(0, 9, (100,))
    for k in (1, 3, 5):
        member = (logits.topk(k).indices == labels[:, None]).any(dim=1)
        assert torch.equal(true_class_rank(logits, labels) < k, member)


def test_non_finite_rows_are_never_hits():
    logits = torch.tensor([[float("nan"), 0.0], [float("inf"), 0.0], [1.0, 0.0]])
    assert true_class_rank(logits, torch.tensor([0, 0, 0])).tolist() == [2, 2, 0]


def test_a_margin_recognises_what_the_others_lead_by_less():
    generator = torch.Generator().manual_seed(0)
    scores, labels = (
        torch.randn(100, 5, generator=generator),
        torch.randint(0, 5, (100,), generator=generator),
    )
    own = scores.gather(1, labels[:, None])
    best = scores.scatter(1, labels[:, None], -torch.inf).amax(dim=1, keepdim=True)
    recognised = true_class_rank(with_margin(scores, labels, 0.3), labels) == 0
    assert torch.equal(recognised, (own + 0.3 > best).squeeze(1))
    assert torch.equal(with_margin(scores, labels, 0.0), scores)


def test_recognised_in_the_most_recognising_scores_is_recognised_in_any():
    generator = torch.Generator().manual_seed(0)
    scores, labels = (
        torch.randn(3, 200, 6, generator=generator),
        torch.randint(0, 6, (200,), generator=generator),
    )
    any_of = torch.stack([true_class_rank(one, labels) == 0 for one in scores]).any(dim=0)
    chosen = most_recognised(scores, labels)
    assert torch.equal(true_class_rank(chosen, labels) == 0, any_of)
    assert all((row == scores[:, i]).all(dim=1).any() for i, row in enumerate(chosen))


def test_a_broken_row_is_taken_first():
    scores = torch.tensor([[[9.0, 0.0]], [[float("nan"), 0.0]]])
    assert not most_recognised(scores, torch.tensor([0])).isfinite().all()
