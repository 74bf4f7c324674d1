"""Whoever writes when nothing is due any more is answered, in every script, and told no sum of zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dialogs.catalog import load_catalogs
from dialogs.facts import MATTERS
from dialogs.message import Said
from dialogs.render import render
from dialogs.script import load_scripts
from dialogs.specimen import SPECIMEN
from dialogs.turn import resume, start
from engine.contact import ChannelKind
from engine.money import Money

NOW = datetime(2026, 11, 16, 10, tzinfo=UTC)
NOTHING_DUE = replace(SPECIMEN, amount_due=Money(0, "UAH"), accounts=(), promised=None, **dict.fromkeys(MATTERS))


@pytest.mark.parametrize("name", sorted(load_scripts()))
@pytest.mark.parametrize("words", ["how much do I owe?", "who are you?", "perhaps", "operator"])
@pytest.mark.parametrize("channel", [ChannelKind.SMS, ChannelKind.VOICE])
def test_who_owes_nothing_any_more_is_still_answered(name: str, words: str, channel: ChannelKind) -> None:
    script, catalogs = load_scripts()[name], load_catalogs()
    begun = start(script, SPECIMEN, "ro", NOW)
    turn = resume(script, begun.state, Said(words), NOTHING_DUE, NOW)
    said = " ".join(render(turn.messages, script, NOTHING_DUE, "en", catalogs, channel).paragraphs)
    assert said
    assert "0.00" not in said
    assert " 0 " not in said
