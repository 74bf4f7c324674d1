"""Talks that outlive their version: states of an older schema, and scripts that have changed under a talk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from dialogs.facts import Facts
from dialogs.message import Chose, Said
from dialogs.script import PACKAGED, Script, load_scripts, parse_script
from dialogs.state import SCHEMA, State
from dialogs.turn import Turn, resume, start
from engine.money import money
from engine.outcome import OptedOut, PromiseMade

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
FACTS = Facts(date(2026, 3, 11), "Ana", "Acme", money(120, "RON"), date(2026, 3, 1), 10, ())
COMMON = (PACKAGED / "common.yaml").read_text(encoding="utf-8")
REMINDER = (PACKAGED / "reminder.yaml").read_text(encoding="utf-8")
OLD = load_scripts()["reminder"]


def version(shared: str = COMMON, text: str = REMINDER) -> Script:
    return parse_script(text, "reminder.yaml", shared)


def stored(*replies: str) -> State:
    turn = start(OLD, FACTS, "en", NOW)
    for reply in replies:
        turn = resume(OLD, turn.state, Said(reply), FACTS, NOW)
    return State.from_json(turn.state.to_json())


def keys(turn: Turn) -> list[str]:
    return [message.key for message in turn.messages]


def test_a_state_of_the_first_schema_goes_on() -> None:
    now = stored("I'll pay on Friday")
    first = {
        name: value for name, value in now.to_json().items() if name not in {"rungs", "stack", "booked", "corrects"}
    }
    assert State.from_json({**first, "schema": 1}) == now
    del first["identified"]
    assert State.from_json({**first, "schema": 1}) == now
    assert now.to_json()["schema"] == SCHEMA


def test_a_state_of_the_second_schema_knows_nothing_to_correct() -> None:
    now = stored("I'll pay on Friday", "yes")
    assert now.booked == (money(120, "RON"), date(2026, 3, 13))
    second = {name: value for name, value in now.to_json().items() if name != "booked"} | {"corrects": True}
    assert State.from_json({**second, "schema": 2}) == replace(now, booked=None)


def test_a_question_that_is_still_put_is_answered_in_the_new_version() -> None:
    new = version(COMMON.replace("Thank you. We have noted", "Thanks. We have noted"))
    turn = resume(new, stored("I'll pay on Friday"), Said("yes"), FACTS, NOW)
    assert turn.outcomes == (PromiseMade(money(120, "RON"), date(2026, 3, 13)),)
    assert turn.state.version == new.version != OLD.version


def test_a_question_that_is_gone_is_met_with_a_greeting_anew() -> None:
    new = version(COMMON.replace("promise_check", "read_back"))
    turn = resume(new, stored("I'll pay on Friday"), Said("yes"), FACTS, NOW)
    assert turn.outcomes == ()
    assert keys(turn) in (["common.reopened"], ["common.thanked"])
    assert keys(resume(new, stored("I'll pay on Friday"), Said("purple"), FACTS, NOW)) == ["common.reopened"]


def test_a_wish_is_heard_even_where_the_question_is_gone() -> None:
    new = version(COMMON.replace("promise_check", "read_back"))
    assert resume(new, stored("I'll pay on Friday"), Said("stop"), FACTS, NOW).outcomes == (OptedOut(),)
    assert resume(new, stored("I'll pay on Friday"), Chose("promise"), FACTS, NOW).state.asked == "promise"


def test_a_value_of_another_type_than_now_is_forgotten() -> None:
    new = version(COMMON.replace("  count: integer\n", "  count: integer\n  wish: money\n"))
    kept = stored("I'll pay on Friday")
    odd = State.from_json({**kept.to_json(), "slots": {"wish": {"text": "a lot"}, "until": {"date": "2026-03-13"}}})
    turn = resume(new, odd, Said("yes"), FACTS, NOW)
    assert "wish" not in turn.state.slots
    assert turn.outcomes == (PromiseMade(None, date(2026, 3, 13)),)


def test_a_talk_of_a_script_that_is_gone_goes_on_in_the_one_for_those_who_write_first() -> None:
    turn = resume(load_scripts()["inbound"], stored(), Said("2"), FACTS, NOW)
    assert (turn.state.script, turn.state.asked) == ("inbound", "promise")
