"""`amiable bench decide` as it is typed. What it measures differs from run to run; what it checks does not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.bench.stores import bench_stores
from bot.cli import main
from bot.settings import StoreSettings

CLIENTS = 400
RUNS = [
    "after a weekend",
    "the next day",
    "10 changed",
    "1 % changed, compared with everybody",
    "the first run ever",
    "beside a naive program, after a weekend",
    "beside a naive program, the next day",
]


def played(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]], str]:
    """The exit code, the objects on stdout and what stderr says."""
    sys.argv[1:] = ["bench", "decide", "--json", *words]
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    return int(end.value.code or 0), [json.loads(line) for line in said.out.splitlines()], said.err


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url)


def test_tells_what_each_run_cost_and_that_all_ways_agree(capsys: pytest.CaptureFixture[str]) -> None:
    code, figures, said = played(capsys, "--size", str(CLIENTS))
    assert code == 0
    assert [one["run"] for one in figures] == RUNS
    assert all(one["holds"] for one in figures)
    for one in figures:
        assert (one["bench"], one["size"]) == ("decide", CLIENTS)
        assert one["seconds"] > 0
        assert one["ratio"] == pytest.approx(one["seconds"] / one["baseline"]["seconds"], rel=0.05)
        assert one["baseline"]["what"]
    whole = {one["run"]: one for one in figures if one["baseline"]["what"] == "S + C"}
    for one in whole.values():
        assert one["looked_at"] > 0
        assert one["rows"] >= sum(one["changes"].values()) / 2
        assert one["peak_mb"] > 0
    assert whole["the first run ever"]["rows"] > whole["after a weekend"]["rows"] > whole["the next day"]["rows"]
    compared = figures[3]
    assert compared["same_decisions"]
    assert compared["unbalanced"] == 0
    assert compared["rows"] > 0
    assert all(one["same_decisions"] for one in figures[-2:])
    assert "the run of Monday" in said


def test_two_at_once_on_one_server_are_refused(capsys: pytest.CaptureFixture[str], database_url: str) -> None:
    with bench_stores(StoreSettings(database_url=database_url)):
        code, figures, said = played(capsys, "--size", "10")
    assert (code, figures) == (3, [])
    assert "Another benchmark" in said


def test_a_database_that_does_not_answer_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMIABLE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    code, figures, said = played(capsys, "--size", "10")
    assert (code, figures) == (3, [])
    assert "AMIABLE_DATABASE_URL" in said


def test_a_size_below_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, figures, said = played(capsys, "--size", "0")
    assert (code, figures) == (2, [])
    assert "--size" in said
