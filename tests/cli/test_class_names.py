import re

import pytest

from slug_lightning.cli import main
from slug_lightning.cli.class_names import subclass_names, wrong_class
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.unlearning import Unlearner
from tests.helpers import CONFIG

METHODS = [
    "FineTune", "GradientAscent", "GradientAscentFineTune", "SLUG", "SSD", "SalUn", "Unlearner",
]  # fmt: skip


def test_the_classes_that_there_are():
    assert subclass_names(Unlearner) == METHODS
    assert subclass_names(UnlearningDataModule) == ["UnlearningDataModule"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "Salun"], r"Expected model to be one of .* but got 'Salun'. Closest: \['SalUn'"),
        (["--model", "slug"], r"but got 'slug'\. Closest: \['SLUG'"),
        (["--model", "my.mod.Slug"], r"but got 'my.mod.Slug' \(No module named 'my'\). Closest: \['SLUG'"),
        (["--model", "slug_lightning.unlearning.Nope"], "has no attribute 'Nope'"),
        (
            ["--model", "torch.nn.Linear"],
            r"but got 'torch.nn.Linear' \(.*not correspond to a subclass of Unl",
        ),
        (["--config", str(CONFIG), "--model.class_path", "Nonsense"], "but got 'Nonsense'."),
        (["--data", "Unlearning"], r"Expected data .* but got 'Unlearning'. Closest: \['UnlearningDataMo"),
    ],
)
def test_another_is_refused_in_one_sentence(capsys, words, sentence):
    assert main(["fit", *words]) == 2
    said = capsys.readouterr().err
    assert re.search(sentence, said.strip()), said
    assert said.startswith("slug: Expected ")
    assert said.count("\n") == 1


def test_one_in_a_configuration_too(tmp_path, capsys):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.read_text().replace("class_path: SLUG", "class_path: Nonsense"))
    assert main(["fit", "--config", str(path)]) == 2
    assert "Expected model to be one of ['FineTune'" in capsys.readouterr().err


def test_other_complaints_stay_the_parsers(capsys):
    assert wrong_class('Parser key "model": unrecognized arguments: --serch', {}) is None
    with pytest.raises(SystemExit):
        main(["fit", "--config", str(CONFIG), "--model.serch", "1"])
    assert "serch" in capsys.readouterr().err
