"""Curation from a command line to a run, and killed at any moment."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slug_lightning.cli import main
from slug_lightning.data.captions import names_concept
from slug_lightning.data.settings import IdentitySettings
from slug_lightning.data.shards import iter_pairs
from slug_lightning.data.unlearning import UnlearningDataModule
from tests.curation.making import CAPTIONS, files, write_shards
from tests.helpers import fit


def command(out, shards, *words, concept="seven"):
    return ["curate", "--concept", concept, "--shards", str(shards), "--out", str(out), *map(str, words)]


@pytest.fixture(scope="module")
def laion(tiny_world):
    last = len(list((tiny_world / "laion").glob("*.tar"))) - 1
    return f"{tiny_world}/laion/{{00000..{last:05d}}}.tar"


@pytest.fixture(scope="module")
def curated(laion, tmp_path_factory):
    out = tmp_path_factory.mktemp("curated")
    assert main(command(out, laion, "--retain", 60)) == 0
    return out


def test_it_writes_what_the_data_module_of_a_run_expects(tiny_world, laion, curated):
    facts = json.loads((curated / "seven" / "manifest.json").read_text())
    module = UnlearningDataModule(
        "seven",
        f"{curated}/{{concept}}/*.tar",
        f"{curated}/{{concept}}/retain/*.tar",
        IdentitySettings(tiny_world / "celeba", tiny_world / "celeba" / "list_eval_partition.txt"),
    )
    module.look()
    forget, retain = module.census["forget"], module.census["retain"]
    assert (forget.samples, forget.problems, forget.digest) == (len(facts["pairs"]), (), facts["digest"])
    assert (retain.samples, retain.problems, retain.digest) == (60, (), facts["retain"]["digest"])


def test_it_finds_what_brute_force_finds(laion, curated):
    every = list(iter_pairs(laion))
    expected = [(p.caption, p.image.tobytes()) for p in every if names_concept(p.caption, "seven")]
    found = [(p.caption, p.image.tobytes()) for p in iter_pairs(f"{curated}/seven/*.tar")]
    assert found == expected
    assert len(found) > 50
    retained = [(p.caption, p.image.tobytes()) for p in iter_pairs(f"{curated}/seven/retain/*.tar")]
    assert len(set(retained)) == 60
    assert set(retained) <= {(p.caption, p.image.tobytes()) for p in every} - set(expected)


@pytest.mark.slow
def test_a_run_on_what_it_wrote(tiny_world, curated, tmp_path):
    folder = f"{curated}/{{concept}}"
    shards = ["--data.forget_shards", f"{folder}/*.tar", "--data.retain_shards", f"{folder}/retain/*.tar"]
    run = fit(tiny_world, tmp_path, *shards, status=None)
    report = json.loads((run / "report.json").read_text())
    facts = json.loads((curated / "seven" / "manifest.json").read_text())
    assert report["data"]["forget"]["digest"] == facts["digest"]
    assert report["data"]["forget"]["pairs"] == len(facts["pairs"])
    assert report["data"]["retain"]["digest"] == facts["retain"]["digest"]
    assert report["data"]["retain"]["pairs"] == 60


def start(words):
    return subprocess.Popen(
        [sys.executable, "-m", "slug_lightning", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_killed_it_goes_on_where_it_stopped(tmp_path, workers):
    shards = write_shards(tmp_path / "laion", per_shard=3)
    gate = tmp_path / "gate"
    waiting = f"pipe:while [ ! -e {gate} ]; do sleep 0.05; done; cat {shards[-1]}"  # the last one comes late
    words = command(tmp_path / "out", waiting, concept="Elon Musk")
    words[words.index("--shards") + 1 : words.index("--out")] = [*shards[:-1], waiting]
    words += ["--retain", "3", "--workers", str(workers)]
    process = start(words)
    staging = tmp_path / "out" / ".Elon_Musk.curate"
    wait_for(lambda: len(list(staging.glob("forget-*.json"))) == len(shards) - 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out" / "Elon_Musk").exists()
    gate.touch()
    again = start(words)
    said, _ = again.communicate(timeout=120)
    assert (again.returncode, "(4 of them searched before the interruption)" in said) == (0, True), said
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["Elon_Musk"]
    words[words.index("--out") + 1] = str(tmp_path / "whole")
    assert main(words) == 0
    assert files(tmp_path / "whole") == files(tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_killed_at_a_random_moment_it_leaves_all_or_nothing(laion, curated, tmp_path, seed):
    words = command(tmp_path, laion, "--retain", 60)
    chance = random.Random(seed)
    for _ in range(3):
        process = start(words)
        wait_for(lambda running=process: any(tmp_path.iterdir()) or running.poll() is not None)
        time.sleep(chance.uniform(0, 0.6))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        folder = tmp_path / "seven"
        assert not folder.exists() or files(folder) == files(curated / "seven")
    assert main(words) == 0
    assert files(tmp_path) == files(curated)


@pytest.mark.slow
def test_ray_writes_the_same_bytes(laion, curated, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))  # of its workers
    assert main(command(tmp_path, laion, "--retain", 60, "--executor", "ray", "--workers", 2)) == 0
    assert files(tmp_path) == files(curated)


@pytest.mark.slow
def test_processes_write_the_same_bytes(laion, curated, tmp_path):
    assert main(command(tmp_path, laion, "--retain", 60, "--workers", 3)) == 0
    assert files(tmp_path) == files(curated)


def test_everything_wrong_at_once_is_counted_and_told(tmp_path, capsys):
    shards = write_shards(tmp_path / "laion", CAPTIONS * 3, per_shard=5)
    Path(shards[0]).write_bytes(Path(shards[0]).read_bytes()[:9_000])
    Path(shards[1]).with_suffix(".parquet").unlink()
    Path(shards[2]).with_suffix(".parquet").write_bytes(b"rubbish")
    Path(shards[3]).with_suffix(".parquet").write_bytes(Path(shards[4]).with_suffix(".parquet").read_bytes())
    Path(shards[5]).write_bytes(b"no tar" * 1000)
    Path(shards[6]).unlink()
    words = command(tmp_path / "out", f"{tmp_path}/laion/{{00000..00007}}.tar", concept="Elon Musk")
    assert main(words) == 2
    assert "00006.tar' of" in capsys.readouterr().err
    assert main([*words, "--missing-shards", "skip"]) == 0
    facts = json.loads((tmp_path / "out" / "Elon_Musk" / "manifest.json").read_text())
    named = {
        Path(source["name"]).stem: source["problems"] for source in facts["sources"] if source["problems"]
    }
    assert "truncated" in named["00000"][0]
    assert "00002.parquet cannot be searched" in named["00002"][0]
    assert "00003.tar does not agree with its parquet" in named["00003"][0]
    assert (
        named["00005"][0]
        == "00005.tar holds 0 of 5 pairs its 00005_stats.json promises: the file is not a tar."
    )
    assert "00006.tar' cannot be opened" in named["00006"][0]
    assert set(named) == {"00000", "00002", "00003", "00005", "00006"}
    assert facts["counts"]["kept"] == len(list(iter_pairs(f"{tmp_path}/out/Elon_Musk/*.tar")))
