"""Nobody answers: the rungs of a question's ladder, fenced by the turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dialogs.facts import Facts
from dialogs.flow import RungKind, Script
from dialogs.message import Said
from dialogs.script import load_scripts, parse_script
from dialogs.silence import silent
from dialogs.state import State
from dialogs.turn import Turn, resume, start
from engine.money import money
from engine.outcome import Handover, NotAnswered, OperatorRequested, OtherWay

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
FACTS = Facts(date(2026, 3, 11), "Ana", "Acme", money(120, "RON"), date(2026, 3, 1), 10, ())
LADDER = """
spec: 2
script: waiting
begun_by: client
start: opening
steps:
  opening:
    say: "Shall we go on?"
    ask: choice
    options:
      "on": {label: "Go on", go: end}
    silence:
      - {after: 30m, do: remind, say: "Are you still there?"}
      - {after: 4h, do: other_channel}
      - {after: 1d, do: call}
      - {after: 2d, do: operator}
  end: {say: "Thank you."}
"""
WAITING = parse_script(LADDER.lstrip(), "waiting.yaml")


def after(turn: Turn, rung: int, script: Script = WAITING) -> Turn | None:
    return silent(script, State.from_json(turn.state.to_json()), rung, FACTS, NOW, turn=turn.state.turn)


def test_a_ladder_is_read_in_rising_times() -> None:
    ask = WAITING.steps["opening"].ask
    assert ask is not None
    assert [(rung.after, rung.do) for rung in ask.silence] == [
        (timedelta(minutes=30), RungKind.REMIND),
        (timedelta(hours=4), RungKind.OTHER_CHANNEL),
        (timedelta(days=1), RungKind.CALL),
        (timedelta(days=2), RungKind.OPERATOR),
    ]


def test_a_reminder_puts_the_question_again_and_leaves_the_turn_where_it_was() -> None:
    opened = start(WAITING, FACTS, "en", NOW)
    turn = after(opened, 0)
    assert turn is not None
    assert [message.key for message in turn.messages] == ["waiting.opening.after_30m", "waiting.opening"]
    assert [option.id for option in turn.messages[-1].options] == ["on"]
    assert (turn.state.turn, turn.state.rungs, turn.state.offered) == (opened.state.turn, 1, ("on",))


@pytest.mark.parametrize(
    ("rung", "outcome"),
    [
        (1, NotAnswered(OtherWay.OTHER_CHANNEL)),
        (2, NotAnswered(OtherWay.CALL)),
        (3, OperatorRequested(Handover.SILENCE)),
    ],
)
def test_later_rungs_look_for_another_way(rung: int, outcome: NotAnswered | OperatorRequested) -> None:
    turn = after(start(WAITING, FACTS, "en", NOW), rung)
    assert turn is not None
    assert (turn.messages, turn.outcomes, turn.state.asked) == ((), (outcome,), "opening")


def test_a_rung_is_done_once_and_those_before_it_are_over() -> None:
    second = after(start(WAITING, FACTS, "en", NOW), 1)
    assert second is not None
    assert [after(second, rung) for rung in (0, 1)] == [None, None]
    assert after(second, 2) is not None
    assert after(second, 4) is None


def test_an_answer_makes_every_timer_of_the_question_too_late() -> None:
    opened = start(WAITING, FACTS, "en", NOW)
    answered = resume(WAITING, opened.state, Said("purple"), FACTS, NOW)
    assert silent(WAITING, answered.state, 0, FACTS, NOW, turn=opened.state.turn) is None
    assert after(answered, 0) is not None
    ended = resume(WAITING, opened.state, Said("1"), FACTS, NOW)
    assert after(ended, 0) is None


def test_a_talk_whose_question_has_no_ladder_is_left_alone() -> None:
    opened = start(load_scripts()["reminder"], FACTS, "en", NOW)
    assert silent(load_scripts()["reminder"], opened.state, 0, FACTS, NOW, turn=1) is None
    gone = replace(opened.state, asked="gone")
    assert silent(load_scripts()["reminder"], gone, 0, FACTS, NOW, turn=1) is None


def test_a_day_asked_for_is_reminded_of_once() -> None:
    script = load_scripts()["reminder"]
    asked = resume(script, start(script, FACTS, "en", NOW).state, Said("2"), FACTS, NOW)
    turn = after(asked, 0, script)
    assert turn is not None
    assert [message.key for message in turn.messages] == ["common.phrases.unanswered", "common.promise"]
    answered = resume(script, turn.state, Said("friday"), FACTS, NOW)
    assert (answered.state.asked, answered.state.rungs) == ("promise_check", 0)


def test_a_day_that_is_over_is_not_asked_to_be_confirmed_but_asked_for_anew() -> None:
    script = load_scripts()["reminder"]
    asked = resume(script, start(script, FACTS, "en", NOW).state, Said("tomorrow I will pay"), FACTS, NOW)
    assert asked.state.asked == "promise_check"
    then = replace(FACTS, today=date(2026, 3, 13))
    turn = silent(script, asked.state, 0, then, NOW + timedelta(days=2), turn=asked.state.turn)
    assert turn is not None
    assert [message.key for message in turn.messages] == ["common.phrases.unanswered", "common.promise"]
    assert (turn.state.asked, turn.state.turn) == ("promise", asked.state.turn)


def test_a_talk_of_an_older_script_is_reminded_of_what_is_still_asked() -> None:
    opened = start(WAITING, FACTS, "en", NOW)
    older = replace(opened.state, version="older", offered=("on", "off"), stack=("gone",))
    turn = silent(WAITING, older, 0, FACTS, NOW, turn=opened.state.turn)
    assert turn is not None
    assert (turn.state.version, turn.state.offered, turn.state.stack) == (WAITING.version, ("on",), ())
