import pytest
import torch

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.retrieval import RetrievalSettings, judge_retrieval, ranks, retrieval
from slug_lightning.errors import SettingError
from tests.audit.making import make_host


def test_ranks_equal_a_plain_loop():
    generator = torch.Generator().manual_seed(0)
    queries, items = torch.randn(7, 4, generator=generator), torch.randn(9, 4, generator=generator)
    owner, wanted = torch.arange(9) % 3, torch.arange(7) % 3
    found = ranks(queries, items, owner, wanted)
    for q, query in enumerate(queries):
        scores = (items @ query).tolist()
        best = max(s for s, o in zip(scores, owner.tolist(), strict=True) if o == wanted[q])
        worse = sum(s > best for s, o in zip(scores, owner.tolist(), strict=True) if o != wanted[q])
        assert int(found[q]) == worse


def test_a_model_that_maps_all_to_one_point_finds_nothing():
    flat = torch.ones(4, 3)
    assert (ranks(flat, flat, torch.arange(4), torch.arange(4)) == 3).all()


def test_recall_grows_with_k_and_is_whole_at_the_end():
    findings = retrieval(make_host(), RetrievalSettings(k=[1, 3, 12]))
    for direction in ("image_to_text", "text_to_image"):
        values = [f.value for f in findings.pick(f"retrieval/{direction}", "after")]
        assert values == sorted(values)
        assert values[-1] == 1


def test_the_smallest_k_is_judged():
    findings = retrieval(make_host(update=0.0), RetrievalSettings())
    (check,) = judge_retrieval(findings, Limits(retrieval_drop=0.0))
    assert check.value == 0
    assert "recall@1" in check.what


def test_ranks_of_zero_are_refused():
    with pytest.raises(SettingError, match="Expected positive ranks in retrieval.k"):
        RetrievalSettings(k=[0])
