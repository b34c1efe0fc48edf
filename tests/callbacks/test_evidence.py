import json

import pytest


@pytest.fixture(scope="module")
def evidence(tiny_run):
    return json.loads((tiny_run / "evidence.json").read_text())


def test_the_concept_loses_its_own_prompt_and_others_keep_theirs(evidence):
    similarity = evidence["similarity"]
    names, before, after = similarity["names"], similarity["before"], similarity["after"]
    concept = names.index("seven")
    assert len(names) == 10
    assert after[concept][concept] < before[concept][concept]
    others = [i for i in range(10) if i != concept]
    kept = sum(
        max(range(10), key=lambda j: after[i][j]) == max(range(10), key=lambda j: before[i][j])
        for i in others
    )
    assert kept >= len(others) - 1


def test_samples_show_each_kind_with_falling_shares(evidence):
    samples = evidence["samples"]
    assert {(s["role"], s["dataset"]) for s in samples} == {
        ("forget", "identities"), ("retain", "identities"), ("retain", "imagenet")
    }  # fmt: skip
    for sample in samples:
        for when in ("before", "after"):
            shares = [share for _, share in sample[when]]
            assert len(shares) == 3
            assert shares == sorted(shares, reverse=True)
            assert 0 <= min(shares) <= max(shares) <= 1


def test_predictions_of_the_forgotten_change(evidence):
    forgotten = [s for s in evidence["samples"] if s["role"] == "forget"]
    assert all(s["truth"] == "seven" for s in forgotten)
    assert any(s["before"][0][0] == "seven" for s in forgotten)
    assert not any(s["after"][0][0] == "seven" for s in forgotten)
