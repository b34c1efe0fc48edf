import pytest

from slug_lightning.errors import ModelNotFoundError
from slug_lightning.models.support import Support, support


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ViT-bigG-14", Support("blocks", "blocks", "cut", "InfoNCE", "-")),
        ("ViT-SO400M-14-SigLIP-384", Support("blocks", "blocks", "kept", "sigmoid", "tokenizer")),
        ("ViT-L-14-CLIPA", Support("blocks", "blocks", "kept", "InfoNCE", "tokenizer")),
        ("MobileCLIP-S2", Support("whole", "blocks", "kept", "InfoNCE", "-")),
        ("coca_ViT-L-14", Support("blocks", "blocks", "kept", "InfoNCE", "-")),
        ("nllb-clip-large-siglip", Support("blocks", "whole", "kept", "sigmoid", "text tower")),
    ],
)
def test_support_is_what_the_towers_of_the_full_size_model_say(name, expected):
    assert support(name) == expected


def test_unknown_names_are_refused_with_near_misses():
    with pytest.raises(ModelNotFoundError, match="not an open_clip architecture. Closest: .*'ViT-B-32'"):
        support("ViT-B-23")
