"""Talks as the tests of `dialogs` hold them: with Ana, on a Wednesday in March, who owes 120 RON since the first."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dialogs.facts import Facts
from dialogs.flow import Script
from dialogs.message import Reply, Said
from dialogs.reading.reading import LANGUAGES
from dialogs.script import load_scripts
from dialogs.state import State
from dialogs.turn import Turn, resume, start
from engine.money import money

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
FRIDAY, MONDAY = date(2026, 3, 13), date(2026, 3, 16)
OWING = Facts(
    today=date(2026, 3, 11),
    name="Ana",
    creditor="Acme",
    amount_due=money(120, "RON"),
    oldest_due=date(2026, 3, 1),
    days_past_due=10,
    accounts=(),
    pay_link="https://pay.example/p/Ab3",
)


def talk(
    *replies: str | Reply,
    script: str | Script = "reminder",
    language: str = "en",
    facts: Facts = OWING,
    languages: tuple[str, ...] = LANGUAGES,
) -> Turn:
    """The last turn of a talk; between two turns its state is stored and read again."""
    version = load_scripts()[script] if isinstance(script, str) else script
    turn = start(version, facts, language, NOW)
    for reply in replies:
        state = State.from_json(turn.state.to_json())
        turn = resume(version, state, Said(reply) if isinstance(reply, str) else reply, facts, NOW, languages)
    return turn


def keys(turn: Turn) -> list[str]:
    """What the bot says in a turn, by the keys of its texts."""
    return [message.key for message in turn.messages]
