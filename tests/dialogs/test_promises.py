"""Promises: read back before they count, for a sum that is owed, on one day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from talking import FRIDAY, MONDAY, NOW, OWING, keys
from talking import talk as talk_with

from dialogs.catalog import load_catalogs
from dialogs.message import Chose, Reply, Said
from dialogs.render import render
from dialogs.script import load_scripts
from dialogs.turn import resume
from engine.contact import ChannelKind
from engine.money import money
from engine.outcome import PromiseMade

FACTS = replace(OWING, promise_days=30, pay_link="")
talk = partial(talk_with, facts=FACTS)
ALL_PROMISED = replace(FACTS, amount_due=money(0, "RON"), promised=money(70, "RON"))
NOTHING_OPEN = replace(FACTS, amount_due=money(0, "RON"))
TWO_SMS_UNICODE = 134


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "on friday", FRIDAY),
        ("en", "tomorrow", date(2026, 3, 12)),
        ("en", "ok, friday", FRIDAY),
        ("en", "end of month", date(2026, 3, 31)),
        ("en", "in two weeks", date(2026, 3, 25)),
        ("ro", "mâine", date(2026, 3, 12)),
        ("uk", "завтра", date(2026, 3, 12)),
        ("ru", "в пятницу", FRIDAY),
    ],
)
def test_a_bare_day_is_read_back_and_never_booked_without_a_yes(language: str, text: str, day: date) -> None:
    turn = talk(text, language=language)
    assert (turn.state.asked, turn.outcomes) == ("promise_check", ())
    assert turn.messages[0].args["until"] == day
    assert talk(text, "+", language=language).outcomes == (PromiseMade(money(120, "RON"), day),)


@pytest.mark.parametrize("text", ["yesterday", "the letter you sent me on friday was not for me to read"])
def test_a_day_in_passing_is_no_wish(text: str) -> None:
    assert keys(talk(text))[0] == "common.not_understood"


@pytest.mark.parametrize("text", ["tomorrow or monday", "friday or 20 march", "on friday, maybe on monday"])
def test_of_two_days_one_is_asked_for(text: str) -> None:
    assert keys(talk(text)) == ["common.promise.unclear"]
    assert keys(talk(Chose("promise"), text)) == ["common.promise.unclear"]
    assert keys(talk("on sunday", text)) == ["common.promise.unclear"]


def test_a_correction_means_the_day_that_is_not_denied() -> None:
    turn = talk("on friday", "no, not Friday, Monday", "yes")
    assert turn.outcomes == (PromiseMade(money(120, "RON"), MONDAY),)


@pytest.mark.parametrize(
    "text", ["I won't pay on Friday", "yes, no", "not sure", "yes but not on Friday", "I haven't paid"]
)
def test_no_promise_is_booked_on_a_doubtful_yes(text: str) -> None:
    assert talk("on friday", text).outcomes == ()


def test_a_refusal_does_not_answer_the_question_for_a_day() -> None:
    assert keys(talk(Chose("promise"), "I won't pay on Friday")) == ["common.promise.unclear"]


def test_a_new_day_for_a_promise_already_open_is_read_back_for_its_sum() -> None:
    turn = talk("I'll pay on Monday", facts=ALL_PROMISED)
    assert turn.messages[0].args == {"amount": money(70, "RON"), "until": MONDAY}
    assert talk("I'll pay on Monday", "yes", facts=ALL_PROMISED).outcomes == (PromiseMade(money(70, "RON"), MONDAY),)
    smaller = talk("I'll pay 50 lei on Monday", "yes", facts=ALL_PROMISED)
    assert smaller.outcomes == (PromiseMade(money(50, "RON"), MONDAY),)


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ("en", "I'll pay on Monday"),
        ("en", "tomorrow"),
        ("en", "2"),
        ("en", Chose("promise")),
        ("ro", "plătesc mâine"),
        ("uk", "завтра"),
        ("ru", "заплачу в пятницу"),
    ],
)
def test_where_nothing_is_due_nothing_is_promised(language: str, first: str | Reply) -> None:
    turn = talk(first, language=language, facts=NOTHING_OPEN)
    assert (keys(turn), turn.outcomes) == (["common.nothing_to_promise"], ())
    assert turn.state.offered == ("pay_now", "promise", "installments", "more")


def test_a_promise_is_not_made_once_the_debt_is_paid() -> None:
    script = load_scripts()["reminder"]
    asked = talk("I'll pay on Friday")
    turn = resume(script, asked.state, Said("yes"), NOTHING_OPEN, NOW)
    assert (keys(turn), turn.outcomes) == (["common.nothing_to_promise"], ())


def test_what_is_booked_is_what_was_read_back() -> None:
    script = load_scripts()["reminder"]
    asked = talk("I'll pay on Friday")
    more = replace(FACTS, amount_due=money(200, "RON"))
    assert resume(script, asked.state, Said("yes"), more, NOW).outcomes == (PromiseMade(money(120, "RON"), FRIDAY),)


@pytest.mark.parametrize("language", ["en", "ro", "uk", "ru"])
def test_the_question_for_a_day_shows_examples_and_fits_two_short_messages(language: str) -> None:
    script = load_scripts()["reminder"]
    turn = talk(Chose("promise"), language=language)
    (asked,) = render(turn.messages, script, FACTS, language, load_catalogs(), ChannelKind.SMS).paragraphs
    assert "15" in asked
    assert len(asked) <= TWO_SMS_UNICODE


def test_a_number_typed_where_a_day_is_asked_for_is_a_day_of_the_month() -> None:
    turn = talk(Chose("promise"), "1")
    assert turn.messages[0].args["until"] == date(2026, 4, 1)
