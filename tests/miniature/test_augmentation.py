import torch

from slug_lightning.miniature.augmentation import augment


def images(count=64):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_no_strength_changes_nothing():
    torch.testing.assert_close(augment(images(), generator(), strength=0.0), images(), atol=1e-5, rtol=0)


def test_the_generator_alone_decides():
    first = augment(images(), generator())
    torch.manual_seed(5)
    assert torch.equal(first, augment(images(), generator()))
    assert not torch.equal(first, augment(images(), generator(1)))


def test_pixels_stay_in_range_and_each_image_changes_in_its_own_way():
    flat = torch.full((64, 3, 32, 32), 0.9)
    changed = augment(flat, generator())
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert changed.mean(dim=(1, 2, 3)).std() > 0.02


def test_a_dot_moves_by_a_few_pixels_at_most():
    dots = torch.zeros(200, 3, 32, 32)
    dots[:, :, 15:17, 15:17] = 1
    moved = augment(dots, generator()).mean(dim=1).flatten(1)
    index = moved.argmax(dim=1)
    away = torch.stack([index // 32 - 15.5, index % 32 - 15.5]).abs()
    assert away.max() <= 3.5
    assert away.mean() > 0.5
