"""Talks of courtesy: about one sum with its day, and about payments in parts that a policy grants at once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from talking import FRIDAY, MONDAY, NOW, OWING, keys
from talking import talk as talk_with

from dialogs.catalog import load_catalogs
from dialogs.facts import MATTERS, PAYABLE, AccountDue, Due, Facts
from dialogs.message import Chose, Message, Reply, Said
from dialogs.render import NothingToShow, render
from dialogs.script import ScriptError, load_scripts, parse_script
from dialogs.turn import Turn, resume
from engine.contact import ChannelKind
from engine.money import money
from engine.outcome import InstallmentsRequested, PromiseMade

FACTS = replace(
    OWING,
    amount_due=money(0, "RON"),
    oldest_due=date(2026, 3, 11),
    days_past_due=0,
    promise=Due(money(70, "RON"), FRIDAY),
    broken=Due(money(70, "RON"), date(2026, 3, 6)),
    installment=Due(money(70, "RON"), FRIDAY),
    missed=Due(money(70, "RON"), date(2026, 3, 6)),
    upcoming=Due(money(70, "RON"), FRIDAY),
    kept=Due(money(70, "RON"), FRIDAY),
    dispute=Due(money(70, "RON"), date(2026, 3, 6)),
    answered=Due(money(70, "RON"), date(2026, 3, 6)),
    claim=Due(money(70, "RON"), date(2026, 3, 6)),
    amnesty=Due(money(70, "RON"), FRIDAY),
    cancelled=money(30, "RON"),
    prepayment=Due(money(70, "RON"), FRIDAY),
    months_paid=10,
    months_free=2,
    agency=Due(money(70, "RON"), FRIDAY),
)
THIRDS = ((date(2026, 4, 10), money(40, "RON")), (date(2026, 5, 11), money(40, "RON")), (MONDAY, money(42, "RON")))
GRANTED = replace(FACTS, amount_due=money(120, "RON"), parts=3, schedules={3: THIRDS})
ABOUT = {name: script.matter for name, script in load_scripts().items() if script.matter}
AHEAD = ["courtesy_reminder", "promise_reminder", "installment_reminder"]
DAYS = re.compile(r"\b(13|6|thirteenth|sixth|treisprezece|șase|тринадцятого|шостого|тринадцатого|шестого)\b")
DEBT = re.compile(r"debt|owe|unpaid|overdue|balance|datori|restan|scaden|борг|заборг|залиш|долг|задолж|остат", re.I)


def talk(name: str, *replies: str | Reply, facts: Facts = FACTS, language: str = "en") -> Turn:
    return talk_with(*replies, script=name, facts=facts, language=language)


def words(name: str, language: str, channel: ChannelKind, facts: Facts = FACTS) -> str:
    turn = talk(name, facts=facts, language=language)
    return "\n".join(
        render(turn.messages, load_scripts()[name], facts, language, load_catalogs(), channel).paragraphs
    ).replace("\N{NO-BREAK SPACE}", " ")


def test_every_matter_has_its_courtesy() -> None:
    assert sorted(ABOUT.values()) == sorted(MATTERS)


@pytest.mark.parametrize("channel", ChannelKind)
@pytest.mark.parametrize("language", ["en", "ro", "uk", "ru"])
@pytest.mark.parametrize("name", ABOUT)
def test_a_courtesy_names_its_sum_and_its_day_on_every_channel(name: str, language: str, channel: ChannelKind) -> None:
    said = words(name, language, channel)
    assert re.search(r"\b70\b", said)
    assert DAYS.search(said)


@pytest.mark.parametrize("channel", ChannelKind)
@pytest.mark.parametrize("language", ["en", "ro", "uk", "ru"])
def test_a_bill_to_come_is_no_debt_in_any_word(language: str, channel: ChannelKind) -> None:
    accounts = (AccountDue("A1", "internet", money(30, "RON")), AccountDue("A2", "tv", money(40, "RON")))
    said = words("courtesy_reminder", language, channel, replace(FACTS, upcoming_accounts=accounts))
    tv = {"en": "tv", "ro": "televiziune", "uk": "телебачення", "ru": "телевидение"}[language]
    assert (f"A2, {tv}, 40" if channel is ChannelKind.VOICE else f"A2 ({tv}): 40") in said
    assert not DEBT.search(said), said
    assert keys(talk("courtesy_reminder", "stop", language=language)) == ["common.phrases.stopped"]


@pytest.mark.parametrize("name", AHEAD)
@pytest.mark.parametrize("reply", ["tomorrow", "I'll pay on Friday", "ok", "thank you", "ok, friday"])
def test_a_day_that_is_early_enough_binds_nobody(name: str, reply: str) -> None:
    turn = talk(name, reply)
    assert (keys(turn)[0], turn.outcomes) == ("common.as_planned.thanks", ())
    assert keys(talk(name, reply, "thanks")) == ["common.thanked"]


@pytest.mark.parametrize("name", [name for name, matter in ABOUT.items() if matter in PAYABLE and matter != "amnesty"])
def test_a_later_day_is_read_back_for_the_sum_it_is_about(name: str) -> None:
    assert talk(name, "on Monday", "yes").outcomes == (PromiseMade(money(70, "RON"), MONDAY),)


@pytest.mark.parametrize(
    ("language", "reply"),
    [("en", "Thanks!"), ("ro", "mulțumesc"), ("ro", "mersi mult"), ("uk", "дякую"), ("uk", "добре"), ("ru", "спасибо")],
)
def test_a_word_of_thanks_is_enough(language: str, reply: str) -> None:
    assert keys(talk("courtesy_reminder", reply, language=language))[0] == "common.as_planned.thanks"


@pytest.mark.parametrize(
    ("reply", "key"),
    [("I've paid already, thanks", "common.paid"), ("no more messages, thank you", "common.phrases.stopped")],
)
def test_thanks_take_nothing_from_what_is_said_with_them(reply: str, key: str) -> None:
    assert keys(talk("promise_reminder", reply))[0] == key


def test_a_promise_is_corrected_to_a_day_in_time() -> None:
    turn = talk("promise_reminder", "on Monday", "no, on Friday")
    assert (keys(turn)[0], turn.outcomes) == ("common.as_planned.thanks", ())


def test_an_ok_is_no_answer_to_the_question_for_a_day() -> None:
    assert keys(talk("promise_reminder", Chose("promise"), "ok")) == ["common.promise.unclear"]


def test_more_may_be_promised_than_was_missed_but_not_more_than_is_due() -> None:
    owing = replace(FACTS, amount_due=money(120, "RON"))
    turn = talk("promise_broken", "I'll pay 300 lei on Monday", "yes", facts=owing)
    assert turn.outcomes == (PromiseMade(money(120, "RON"), MONDAY),)


def test_payments_granted_at_once_are_read_back_and_booked_by_a_yes_alone() -> None:
    read_back = talk("warning", "can I pay in 3 parts?", facts=GRANTED)
    assert (read_back.state.asked, read_back.outcomes) == ("installments_check", ())
    assert read_back.messages[1].args == {"schedule": THIRDS}
    assert read_back.messages[0].args == {"count": 3, "total": money(122, "RON")}
    assert talk("warning", "can I pay in 3 parts?", "yes", facts=GRANTED).outcomes == (InstallmentsRequested(3),)


@pytest.mark.parametrize("reply", ["yes but from the 20th", "yes, 10 lei each", "maybe", "thanks"])
def test_a_doubtful_yes_books_no_payments(reply: str) -> None:
    assert talk("warning", "can I pay in 3 parts?", reply, facts=GRANTED).outcomes == ()


def test_another_number_is_read_back_in_its_turn() -> None:
    halves = ((MONDAY, money(60, "RON")), (date(2026, 4, 16), money(60, "RON")))
    both = replace(GRANTED, schedules={2: halves, 3: THIRDS})
    turn = talk("warning", "can I pay in 3 parts?", "no, in 2 parts", facts=both)
    assert (turn.state.asked, turn.messages[1].args) == ("installments_check", {"schedule": halves})


def test_parts_that_are_not_granted_at_once_stay_a_request() -> None:
    turn = talk("warning", "can I pay in 2 parts?", facts=GRANTED)
    assert keys(turn) == keys(talk("warning", "in 2 parts please", facts=GRANTED))
    assert keys(turn) == ["common.installments_made.noted", "common.installments_made.answer"]
    assert turn.outcomes == (InstallmentsRequested(2),)


@pytest.mark.parametrize(
    ("schedules", "asked"),
    [({3: tuple((day, money(20, "RON")) for day, _ in THIRDS)}, "installments_check"), ({}, "")],
)
def test_a_yes_to_payments_that_have_changed_books_none_of_them(schedules: dict[int, object], asked: str) -> None:
    script, read_back = load_scripts()["warning"], talk("warning", "can I pay in 3 parts?", facts=GRANTED)
    changed = replace(GRANTED, schedules=schedules)
    turn = resume(script, read_back.state, Said("yes"), changed, NOW)
    assert turn.state.asked == asked
    if asked:
        assert turn.messages[1].args == {"schedule": schedules[3]}
        assert turn.outcomes == ()
        assert resume(script, turn.state, Said("yes"), changed, NOW).outcomes == (InstallmentsRequested(3),)
    else:
        assert keys(turn)[0] == "common.installments_made.noted", "it is a request now, and nothing is called booked"


def test_a_line_about_something_settled_meanwhile_is_left_out_and_a_talk_about_it_not_opened() -> None:
    script, catalogs = load_scripts()["installment_reminder"], load_catalogs()
    balance = talk("installment_reminder", "how much do I owe?")
    settled = replace(FACTS, installment=None)
    said = render(balance.messages, script, settled, "en", catalogs).paragraphs
    assert not any("installment" in paragraph for paragraph in said)
    with pytest.raises(NothingToShow, match=r"installment\.amount"):
        render([Message("installment_reminder.opening.next")], script, settled, "en", catalogs)


def test_a_script_about_something_unknown_is_refused_with_its_line() -> None:
    with pytest.raises(ScriptError, match=r"small.yaml: line 3: 'weather' is not known as matter"):
        parse_script(
            "spec: 1\nscript: small\nmatter: weather\nstart: hello\nsteps:\n  hello:\n    say: Hello\n", "small.yaml"
        )
