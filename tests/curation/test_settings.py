import pytest

from slug_lightning.curation.settings import CurationSettings
from slug_lightning.errors import SettingError


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"limit": 0}, "limit of at least 1 but got 0"),
        ({"retain": -1}, "retain of at least 0 but got -1"),
        ({"retain_sources": 0}, "retain_sources of at least 1 but got 0"),
        ({"clip_model": "miniature"}, "together but got clip_model=miniature and min_similarity=None"),
        ({"min_similarity": 0.2}, "together but got clip_model=None and min_similarity=0.2"),
        ({"clip_model": "miniature", "min_similarity": 20}, r"min_similarity in \[-1, 1\] but got 20"),
        (
            {"clip_model": "miniature", "min_similarity": float("nan")},
            r"min_similarity in \[-1, 1\] but got nan",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(changes, match):
    with pytest.raises(SettingError, match=match):
        CurationSettings(**changes)
