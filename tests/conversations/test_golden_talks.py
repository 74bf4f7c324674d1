"""Golden talks: what the subscriber says is given, what the bot answers and books is compared word for word.

`<script>/<language>.yaml` has a talk for each channel of the script; the other files are talks of particular interest.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.play.golden import Golden, read_goldens, replay, written
from dialogs.script import load_scripts
from engine.contact import ChannelKind

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.rglob("*.yaml"))
TALKS = [(path, golden.premise.channel) for path in FILES for golden in read_goldens(path)]
LANGUAGES = ("en", "ro", "uk", "ru")


def named(part: Path | ChannelKind | None) -> str:
    return part.relative_to(FOLDER).with_suffix("").as_posix() if isinstance(part, Path) else part or "any"


@pytest.mark.parametrize(("path", "channel"), TALKS, ids=named)
def test_the_talk_goes_as_written(path: Path, channel: ChannelKind | None, request: pytest.FixtureRequest) -> None:
    goldens = {golden.premise.channel: golden for golden in read_goldens(path)}
    golden = goldens[channel]
    played = replay(load_scripts()[golden.premise.script], golden.premise, golden.lines)
    if request.config.getoption("--rewrite", default=False):
        golden = goldens[channel] = replace(golden, lines=played)
        path.write_text(written(*goldens.values()), encoding="utf-8")
    assert played == golden.lines


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", load_scripts())
def test_a_script_has_a_talk_on_each_of_its_channels_in_every_language(name: str, language: str) -> None:
    goldens: list[Golden] = read_goldens(FOLDER / name / f"{language}.yaml")
    premises = [golden.premise for golden in goldens]
    assert {(premise.script, premise.language) for premise in premises} == {(name, language)}
    assert {premise.channel for premise in premises} == load_scripts()[name].channels
