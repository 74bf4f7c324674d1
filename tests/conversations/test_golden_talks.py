"""Golden talks: what the subscriber says is given, what the bot answers and books is compared word for word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.play.golden import read_golden, replay, written
from dialogs.script import load_scripts

TALKS = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize("path", TALKS, ids=lambda path: path.stem)
def test_the_talk_goes_as_written(path: Path, request: pytest.FixtureRequest) -> None:
    golden = read_golden(path)
    played = replay(load_scripts()[golden.premise.script], golden.premise, golden.lines)
    if request.config.getoption("--rewrite", default=False):
        golden = replace(golden, lines=played)
        path.write_text(written(golden), encoding="utf-8")
    assert played == golden.lines


def test_there_are_talks_in_every_language() -> None:
    assert {read_golden(path).premise.language for path in TALKS} == {"en", "ro", "uk", "ru"}
