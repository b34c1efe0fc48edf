import shutil

from slug_lightning.cli import main


def test_rebuilds_the_page_from_the_files_alone(tiny_run, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_run, copy)
    (copy / "report.html").unlink()
    assert main(["report", str(copy)]) == 0
    assert str(copy / "report.html") in capsys.readouterr().out
    assert (copy / "report.html").read_bytes() == (tiny_run / "report.html").read_bytes()


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "report.json" in capsys.readouterr().err
