"""Golden talks: what the subscriber says is given, what the bot answers and books is compared word for word."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dialogs.catalog import load_catalogs
from dialogs.facts import MATTERS, AccountDue, Due, Facts
from dialogs.message import Chose, Keys, Reply, Said, Schedule
from dialogs.render import render
from dialogs.script import load_scripts
from dialogs.state import State
from dialogs.turn import Turn, resume, start
from engine.contact import ChannelKind
from engine.money import money

HERE = Path(__file__).parent
TALKS = sorted(HERE.glob("*.yaml"))


def talk_in(path: Path) -> dict[str, Any]:
    return dict(yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader))  # noqa: S506 texts only


def facts_of(talk: dict[str, Any]) -> Facts:
    given = {
        "due": "120",
        "currency": "USD",
        "since": "2026-04-20",
        "link": "https://pay.example/p/Ab3",
        **talk["facts"],
    }
    currency = given["currency"]
    limited, promised = given.get("consequence_on"), given.get("promised")
    today, since = date.fromisoformat(talk["today"]), date.fromisoformat(given["since"])
    return Facts(
        today=today,
        name="Ana",
        creditor="Acme",
        amount_due=money(given["due"], currency),
        oldest_due=since,
        days_past_due=(today - since).days,
        accounts=accounts(given.get("accounts", []), currency),
        upcoming_accounts=accounts(given.get("upcoming_accounts", []), currency),
        consequence_on=date.fromisoformat(limited) if limited else None,
        pay_link=given["link"],
        promised=money(promised, currency) if promised else None,
        parts=int(given.get("parts", 6)),
        account_tails=("1001",),
        link_by_sms=talk.get("channel") == ChannelKind.VOICE,
        schedules={len(row): schedule(row, currency) for row in given.get("schedules", [])},
        **{matter: due(given[matter], currency) for matter in MATTERS if matter in given},
    )


def accounts(rows: list[list[str]], currency: str) -> tuple[AccountDue, ...]:
    return tuple(AccountDue(name, service, money(part, currency)) for name, service, part in rows)


def due(row: list[str], currency: str) -> Due:
    return Due(money(row[0], currency), date.fromisoformat(row[1]))


def schedule(rows: list[list[str]], currency: str) -> Schedule:
    return tuple((date.fromisoformat(day), money(part, currency)) for part, day in rows)


def reply_of(line: str) -> Reply:
    """`[promise]` is a button, `#1` keys pressed on a phone, all else is said."""
    if line.startswith("[") and line.endswith("]"):
        return Chose(line[1:-1])
    return Keys(line[1:]) if line.startswith("#") else Said(line)


def heard(turn: Turn, talk: dict[str, Any], facts: Facts) -> dict[str, Any]:
    channel = ChannelKind(talk["channel"]) if "channel" in talk else None
    script = load_scripts()[talk["script"]]
    speech = render(turn.messages, script, facts, turn.state.language, load_catalogs(), channel)
    said: dict[str, Any] = {"bot": [text.replace("\N{NO-BREAK SPACE}", " ") for text in speech.paragraphs]}
    if speech.choices:
        said["choices"] = [choice.label for choice in speech.choices]
    if turn.outcomes:
        said["books"] = [str(outcome) for outcome in turn.outcomes]
    return said


def play(talk: dict[str, Any]) -> list[dict[str, Any]]:
    facts, now = facts_of(talk), datetime(2026, 5, 11, 9, tzinfo=UTC)
    script = load_scripts()[talk["script"]]
    turn = start(script, facts, talk["language"], now, identified=talk.get("channel") != ChannelKind.VOICE)
    lines = [heard(turn, talk, facts)]
    for line in talk["talk"]:
        if "subscriber" in line:
            stored = State.from_json(turn.state.to_json())
            turn = resume(script, stored, reply_of(line["subscriber"]), facts, now)
            lines += [{"subscriber": line["subscriber"]}, heard(turn, talk, facts)]
    return lines


@pytest.mark.parametrize("path", TALKS, ids=lambda path: path.stem)
def test_the_talk_goes_as_written(path: Path, request: pytest.FixtureRequest) -> None:
    talk = talk_in(path)
    played = play(talk)
    if request.config.getoption("--rewrite", default=False):
        talk["talk"] = played
        path.write_text(yaml.safe_dump(talk, allow_unicode=True, sort_keys=False, width=118), encoding="utf-8")
    assert played == talk["talk"]


def test_there_are_talks_in_every_language() -> None:
    languages = {talk_in(path)["language"] for path in TALKS}
    assert languages == {"en", "ro", "uk", "ru"}
