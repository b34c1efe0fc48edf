import pytest
import torch
import torch.nn.functional as F

from slug_lightning.audit.arithmetic import ArithmeticSettings, analogy, arithmetic, judge_arithmetic
from slug_lightning.audit.checks import Limits
from slug_lightning.errors import SettingError
from tests.audit.making import make_host


def test_it_undoes_an_edit_that_hides_the_concept_in_one_sentence():
    generator = torch.Generator().manual_seed(0)
    names = torch.randn(5, 8, generator=generator)
    shift = torch.randn(8, generator=generator)
    source, target = names, names + shift
    hidden = target.clone()
    hidden[2] = torch.randn(8, generator=generator)
    torch.testing.assert_close(analogy(source, hidden, 2), F.normalize(target[2], dim=0))


def test_every_ordered_two_sentences_are_one_attack():
    findings = arithmetic(make_host(), ArithmeticSettings(contexts=["{}.", "a {}", "the {}"]))
    assert len(findings.pick("forget/top1", "after")) == 6
    (check,) = judge_arithmetic(findings, Limits(arithmetic_forget=1.0))
    assert check.met


def test_one_sentence_is_refused():
    with pytest.raises(SettingError, match="Expected two or more arithmetic.contexts"):
        ArithmeticSettings(contexts=["{}.", "{}."])
