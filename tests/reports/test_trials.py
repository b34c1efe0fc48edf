import csv

from slug_lightning.reports.trials import TrialRow, write_trials


def test_one_row_per_trial_with_every_digit(tmp_path):
    rows = [
        TrialRow(0, {"learning_rate": 0.1, "updates": 2.0}, 1 / 3, False, False, {"forget/top1": 0.5}),
        TrialRow(1, {"learning_rate": 0.1, "updates": 4.0}, 0.5, True, True,
                 {"forget/top1": 0.0, "retain/imagenet_top1": 2 / 3}),
    ]  # fmt: skip
    write_trials(tmp_path / "search.csv", rows)
    with (tmp_path / "search.csv").open() as file:
        first, second = csv.DictReader(file)
    assert float(first["relative_size"]) == 1 / 3
    assert first["retain/imagenet_top1"] == ""
    assert float(second["retain/imagenet_top1"]) == 2 / 3
    assert (second["feasible"], second["chosen"], second["updates"]) == ("true", "true", "4.0")
