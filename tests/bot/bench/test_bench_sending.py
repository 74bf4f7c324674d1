"""`amiable bench dispatch`, `reply` and `inbound` as they are typed: what they check holds, and they say what."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url)


def played(capsys: pytest.CaptureFixture[str], name: str, size: int) -> list[dict[str, Any]]:
    sys.argv[1:] = ["bench", name, "--json", "--size", str(size)]
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_dispatch_sends_the_whole_queue_in_three_ways(capsys: pytest.CaptureFixture[str]) -> None:
    figures = played(capsys, "dispatch", 60)
    assert [(one["size"], one["holds"]) for one in figures] == [(60, True)] * 3
    assert figures[0]["what"] == "claim and acknowledge"
    assert 0 < figures[2]["share_of_the_best"] <= 1


def test_inbound_keeps_every_webhook_once(capsys: pytest.CaptureFixture[str]) -> None:
    (figure,) = played(capsys, "inbound", 80)
    assert (figure["bench"], figure["holds"]) == ("inbound", True)
    assert figure["of_bare"] > 0


def test_reply_has_everybody_answered_by_the_whole_application_and_by_processes_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = played(capsys, "reply", 20)
    assert [one["run"] for one in figures] == [
        "one process",
        "one process",
        "web and sender",
        "from row to claim",
        "from row to claim, without a talk",
    ]
    calm, *full = figures
    assert (calm["size"], calm["baseline"]) == (2, {"what": "20 a second", "seconds": 0.1})
    for one in full:
        assert (one["size"], one["baseline"]) == (20, {"what": "200 a second", "seconds": 0.1})
    for one in figures:
        assert one["holds"]
        assert 0 < one["p50_ms"] <= one["p95_ms"] <= one["p99_ms"]
        assert 0 < one["kept_pace"] <= 1
