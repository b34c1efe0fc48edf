import pytest

from slug_lightning.audit.material import MaterialSettings, read_material
from slug_lightning.data.settings import IdentitySettings, ImageNetSettings
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.errors import SettingError
from slug_lightning.models import load_clip

SETTINGS = MaterialSettings(retained_images=20, probe_images=30, forget_pairs=8, retain_pairs=40)


@pytest.fixture(scope="module")
def material(tiny_world):
    clip = load_clip("miniature")
    data = UnlearningDataModule(
        concept="seven",
        root=tiny_world,
        forget_shards="forget/{concept}/*.tar",
        retain_shards="laion/*.tar",
        identities=IdentitySettings(root="celeba", partition="celeba/list_eval_partition.txt"),
        imagenet=ImageNetSettings(
            root="ImageNet/val",
            partition="ImageNet/partition.txt",
            class_names="ImageNet/LOC_synset_mapping.txt",
        ),
    )
    data.bind(clip.preprocess, clip.tokenize)
    return read_material(data, SETTINGS)


def test_counts_are_what_was_asked_for(material):
    assert len(material.forget_pairs) == 8
    assert {name: len(pictures) for name, pictures in material.retained.items()} == {
        "identities": 20,
        "imagenet": 20,
    }
    assert 0 < len(material.retain_pairs) < 40  # those that name the concept are left out


def test_images_of_the_concept_and_others_are_apart(material):
    assert set(material.forget.labels.tolist()) == set(material.unseen.labels.tolist()) == {material.label}
    assert material.label not in material.retained["identities"].labels
    assert set(material.probing.labels.tolist()) == set(range(10))
    assert len(material.unseen) > len(material.forget)


def test_no_retain_caption_names_the_concept(material):
    seven = material.tokenize(["seven"])[0][1]
    assert (material.forget_pairs.tokens == seven).any(dim=1).all()
    assert not (material.retain_pairs.tokens == seven).any()


def test_nothing_at_all_is_refused():
    with pytest.raises(SettingError, match="Expected material.retain_pairs to be at least 1, but got 0"):
        MaterialSettings(retain_pairs=0)
