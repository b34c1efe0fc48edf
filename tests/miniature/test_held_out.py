import pytest
import torch

from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.held_out import HeldOut, measure
from slug_lightning.models.loading import Clip


class KnowAll(torch.nn.Module):
    """Embeds an image or a prompt as the direction of the word or colour it was told."""

    def __init__(self, names):
        super().__init__()
        self.names = names

    def encode_image(self, image, normalize):
        return torch.eye(len(self.names))[torch.zeros(len(image), dtype=torch.long)]

    def encode_text(self, text, normalize):
        return torch.eye(len(self.names))[text]


@pytest.fixture
def always_the_first():
    """A model that takes every image for the first name of the list."""
    model = KnowAll(range(10))
    return Clip(
        model, lambda image: torch.zeros(3, 32, 32), lambda prompts: torch.arange(len(prompts)), "known"
    )


def test_accuracy_is_counted_over_all_held_out_images(always_the_first, small_world):
    accuracies = measure(always_the_first, small_world).accuracies
    assert {name: a.n for name, a in accuracies.items()} == {
        "identities/search": 120,
        "identities/final": 60,
        "classes/search": 120,
        "classes/final": 60,
    }
    assert accuracies["classes/final"].correct == 6
    assert accuracies["identities/final"].correct == sum_of(small_world, "eight")  # first by alphabet


def sum_of(world, identity):
    rows = (world.celeba / "list_identity_celeba.txt").read_text().splitlines()[2:]
    final = {
        line.split()[0] for line in world.celeba_partition.read_text().splitlines() if line.endswith("2")
    }
    return sum(name in final and who == identity for name, who in map(str.split, rows))


def test_embeddings_cover_all_images_and_names(always_the_first, small_world):
    held_out = measure(always_the_first, small_world)
    assert held_out.embeddings.shape == (2 * (120 + 60) + 4 * 10, 10)
    assert held_out.closeness(held_out) == pytest.approx(1)


def test_closeness_is_the_mean_cosine():
    one = HeldOut({"a": Accuracy(1, 1)}, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    other = HeldOut({"a": Accuracy(1, 1)}, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    assert one.closeness(other) == pytest.approx(0.5)
