"""`amiable bench table`: figures become tables, and a page of the documentation keeps them between its marks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bot.bench.figures import Baseline, Figures
from bot.bench.table import PLACE
from bot.cli import main
from bot.markdown import END

RUN = {
    "run": "after a weekend",
    "looked_at": 26_000,
    "rows": 33_140,
    "scan_seconds": 0.2,
    "copy_seconds": 0.3,
    "cpu_seconds": 1.4,
    "log_mb": 12.5,
    "lock_seconds": 0.05,
    "exponent": 0.97,
    "cpu_exponent": 0.95,
}


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    run = Figures("decide", 100_000, 1.5, Baseline("S + C", 0.5), 120.4, RUN)
    other = Figures("understand", 4_000, 2.0, Baseline("one more way", 4.0))
    file = tmp_path / "figures.jsonl"
    file.write_text("".join(f"{json.dumps(one.as_json())}\n" for one in (run, other)))
    return file


def typed(*words: str) -> int:
    sys.argv[1:] = ["bench", "table", *words]
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_a_run_stands_beside_its_baseline(figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(str(figures)) == 0
    said = capsys.readouterr().out
    assert (
        "| after a weekend | 100,000 | 26,000 | 33,140 | 1.50 | 0.200 | 0.300 | **3.00** | 1.40 | 120 | 12.5 | 0.050 |"
    ) in said
    assert "| understand | 4,000 | 2.00 | 2,000 | one more way | 4.00 | 0.5 |  |" in said
    assert "Exponent of growth from 10,000 clients: 100,000 clients: 0.97 in time, 0.95 in CPU." in said
    assert said.count("Machine: ") == 1


def test_a_page_gets_new_figures_for_old_and_keeps_the_rest(figures: Path) -> None:
    page = figures.with_name("page.md")
    page.write_text(f"# Cost\n\n{PLACE}\n\nold ones\n\n{END}\n\nHow it is measured.\n")
    assert typed(str(figures), "--into", str(page)) == 0
    once = page.read_text()
    assert typed(str(figures), "--into", str(page)) == 0
    assert page.read_text() == once
    assert once.startswith(f"# Cost\n\n{PLACE}\n\n| run |")
    assert once.endswith(f"{END}\n\nHow it is measured.\n")
    assert "old ones" not in once


def test_a_page_without_a_place_for_figures_stays_as_it_is(figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = figures.with_name("page.md")
    page.write_text("# Cost\n")
    assert typed(str(figures), "--into", str(page)) == 2
    assert PLACE in capsys.readouterr().err
    assert page.read_text() == "# Cost\n"


def test_what_is_no_figure_is_refused(figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures.write_text("seconds: 3\n")
    assert typed(str(figures)) == 2
    assert capsys.readouterr().out == ""
