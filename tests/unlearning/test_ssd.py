import pytest
import torch

from slug_lightning.errors import SettingError
from slug_lightning.unlearning import SSD
from tests.unlearning.baselines import by_hand, edited


def test_the_formula_by_hand():
    # I_f = (16, 1, 4, 0), I_r = (1, 1, 4, 1), alpha = 2: 16 > 2 is selected, 1 > 2, 4 > 8 and 0 > 2 are not.
    # lambda = 4: beta = 4 * 1 / 16 = 0.25; lambda = 32: min(2, 1) = 1.
    module = by_hand(SSD, (4, 1, 2, 0), (1, -1, -2, 1), selections=[2], dampenings=[4, 32])
    found = edited(module)
    assert found["selection 2, dampening 4"] == pytest.approx([0.25, 2.0, 3.0, 4.0])
    assert found["selection 2, dampening 32"] == pytest.approx([1.0, 2.0, 3.0, 4.0])


def test_every_setting_starts_from_the_original_weights():
    # Were each dampened on top of the one before, the second would be 0.25 * 0.25.
    module = by_hand(SSD, (4, 0, 0, 0), (1, 1, 1, 1), selections=[1, 2], dampenings=[4])
    assert [weights[0] for weights in edited(module).values()] == pytest.approx([0.25, 0.25])


def test_importance_is_the_mean_of_squares_not_the_square_of_the_mean():
    module = by_hand(SSD, (1, 1, 1, 1), (2, 0, 0, 0), pairs_at_once=2)
    module.pairs.add({**module.pairs.batches["retain"][0], "gradient": (-2, 0, 0, 0)})
    assert module.importance("retain")["a"].tolist() == [4.0, 0.0]


def test_importance_of_pairs_one_by_one_is_that_of_their_own_gradients():
    module = SSD(pairs_at_once=1)
    tokens = module.load().tokenize(["a seven", "neon three", "four"])
    batch = {"image": torch.randn(3, 3, 32, 32), "text": tokens, "key": ["a", "b", "c"], "skipped": {}}
    module.pairs.add({**batch, "role": "retain", "sizes": [3]})
    found = module.importance("retain")["visual.proj"]
    model = module.clip.model
    expected = 0.0
    for image, text in zip(batch["image"], tokens, strict=True):
        v, t = model.encode_image(image[None], normalize=True), model.encode_text(text[None], normalize=True)
        (gradient,) = torch.autograd.grad(1 - (v * t).sum(), [model.visual.proj])
        expected = expected + gradient**2 / 3
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-9)


def test_importance_does_not_depend_on_the_groups_the_pairs_came_in():
    """Squares of means of fewer pairs are larger: small retain groups would hide what the concept needs."""
    image, found = torch.randn(12, 3, 32, 32), []
    for groups in ([12], [4, 4, 4], [5, 7]):
        module = SSD(pairs_at_once=6)
        text, start = module.load().tokenize([f"drawing of {n}" for n in range(12)]), 0
        for size in groups:
            part = slice(start, start := start + size)
            batch = {"image": image[part], "text": text[part], "key": ["x"] * size, "skipped": {}}
            module.pairs.add({**batch, "role": "retain", "sizes": [size]})
        found.append(module.importance("retain")["visual.proj"])
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])


def test_settings_must_be_positive():
    with pytest.raises(SettingError, match="above 0 as model.(selections|dampenings)"):
        SSD(selections=[0.0])
    with pytest.raises(SettingError, match="model.pairs_at_once to be at least 1"):
        SSD(pairs_at_once=0)
