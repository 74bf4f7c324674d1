"""Turns: what a talk books, asks and refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talking import FRIDAY, NOW, OWING, keys
from talking import talk as talk_with

from dialogs.message import Chose, Keys, Reply, Said
from dialogs.script import load_scripts, parse_script
from dialogs.state import SCHEMA, State, UnknownSchema
from dialogs.turn import answer_first, resume, start
from engine.money import money
from engine.outcome import (
    Disputed,
    Handover,
    InstallmentsRequested,
    LanguageChanged,
    OperatorRequested,
    OptedOut,
    PaymentClaimed,
    PromiseMade,
)

FACTS = replace(OWING, consequence_on=date(2026, 3, 25))
talk = partial(talk_with, facts=FACTS)


@pytest.mark.parametrize("yes", ["yes", "1", "1.", "1)", "Yes, that's right", Keys("1"), Chose("yes")])
def test_a_promise_is_booked_only_when_confirmed(yes: str | Reply) -> None:
    assert talk("I'll pay on Friday").outcomes == ()
    turn = talk("I'll pay on Friday", yes)
    assert turn.outcomes == (PromiseMade(money(120, "RON"), FRIDAY),)
    assert turn.state.done


@pytest.mark.parametrize("unreadable", ["aaaaaaa", "aaaaaaaa", "ыыы", "аааїїї", "їїї", "bbba"])
def test_what_cannot_be_read_confirms_nothing(unreadable: str) -> None:
    turn = talk("I'll pay on Friday", unreadable)
    assert (turn.outcomes, turn.state.asked) == ((), "promise_check")
    assert talk(unreadable, script="wrong_person").state.asked == "question"


DEATHS = [
    *("she died last year", "my husband passed away", "The account holder is deceased"),
    *("mama a murit", "soțul meu a decedat", "мама умерла", "он скончался", "чоловік помер", "його немає в живих"),
]


@pytest.mark.parametrize("said", DEATHS)
@pytest.mark.parametrize("identified", [True, False])
def test_a_death_is_met_with_condolence_and_a_person_and_no_word_of_a_debt(said: str, *, identified: bool) -> None:
    opening = start(load_scripts()["warning"], FACTS, "en", NOW, identified=identified)
    turn = resume(load_scripts()["warning"], opening.state, Said(said), FACTS, NOW)
    assert keys(turn) == ["common.bereaved"]
    assert [one for one in turn.outcomes if not isinstance(one, LanguageChanged)] == [
        OperatorRequested(Handover.BEREAVEMENT)
    ]


def test_what_is_said_right_after_a_dispute_is_more_of_it() -> None:
    turn = talk(Chose("dispute"), "the bill is not right", "the internet was down for 2 weeks")
    assert (turn.outcomes, turn.state.done) == ((Disputed("the internet was down for 2 weeks"),), True)
    assert talk(Chose("dispute"), "the bill is not right", "thank you").outcomes == ()


def test_a_telephone_that_died_is_no_death() -> None:
    assert keys(talk("my phone died")) != ["common.bereaved"]


def test_a_promise_may_name_a_smaller_sum() -> None:
    assert talk("I'll pay 50 lei on Friday", "yes").outcomes == (PromiseMade(money(50, "RON"), FRIDAY),)


def test_a_sum_not_below_the_debt_means_all_of_it() -> None:
    assert talk("I'll pay 500 lei on Friday", "yes").outcomes == (PromiseMade(money(120, "RON"), FRIDAY),)


def test_the_sum_of_an_earlier_promise_is_not_carried_into_the_next() -> None:
    turn = talk("I'll pay 50 lei on Friday", "yes", "I'll pay on Monday", "yes")
    assert turn.outcomes == (PromiseMade(money(120, "RON"), date(2026, 3, 16)),)


def test_a_no_asks_for_another_day() -> None:
    assert keys(talk("I'll pay on Friday", "no")) == ["common.promise"]


def test_a_correction_is_read_back_again() -> None:
    turn = talk("I'll pay on Friday", "no, not Friday, Monday")
    assert turn.messages[0].args["until"] == date(2026, 3, 16)
    assert turn.state.asked == "promise_check"


@pytest.mark.parametrize(
    ("day", "key"), [("in 3 months", "beyond"), ("yesterday", "past"), ("after my salary", "unclear")]
)
def test_a_day_that_cannot_be_promised_is_explained(day: str, key: str) -> None:
    assert keys(talk(Chose("promise"), day)) == [f"common.promise.{key}"]


def test_days_too_far_off_are_not_asked_about_for_ever() -> None:
    turn = talk(Chose("promise"), "in 3 months", "in 2 months", "in 4 months")
    assert turn.outcomes == (OperatorRequested(Handover.NOT_UNDERSTOOD),)


def test_a_promise_confirmed_when_its_day_has_passed_is_asked_for_again() -> None:
    script = load_scripts()["reminder"]
    asked = talk("I'll pay on Friday")
    turn = resume(script, asked.state, Said("yes"), replace(FACTS, today=date(2026, 3, 20)), NOW)
    assert (keys(turn), turn.outcomes) == (["common.promise.past"], ())


def test_a_number_picks_an_option_unless_a_value_was_asked_for() -> None:
    assert talk("3").state.asked == "installments"
    assert talk("3", "3").outcomes == (InstallmentsRequested(3),)
    assert talk("2", "13").messages[0].args["until"] == FRIDAY


def test_a_plea_for_parts_is_booked_in_the_same_turn() -> None:
    plea = "I lost my job, I can't pay it all at once. Can I pay in 3 parts?"
    assert talk(plea, script="final_notice").outcomes == (InstallmentsRequested(3),)
    assert talk("can't pay it all at once. Can I pay in 3 parts?", script="final_notice").outcomes == (
        InstallmentsRequested(3),
    )


def test_too_many_parts_are_asked_about() -> None:
    turn = talk("can I pay in 12 parts")
    assert (keys(turn), turn.outcomes) == (["common.installments.beyond"], ())


def test_two_replies_not_understood_go_to_a_person() -> None:
    turn = talk("purple", "monkey dishwasher")
    assert turn.outcomes == (OperatorRequested(Handover.NOT_UNDERSTOOD),)
    assert turn.state.done


def test_a_reply_understood_forgives_the_one_before() -> None:
    assert talk("purple", "2", "dishwasher").state.misses == 1


@pytest.mark.parametrize("before", [(), ("2",), ("3",), ("I'll pay on Friday",), (Chose("dispute"),)])
def test_stop_counts_at_any_moment(before: tuple[str | Reply, ...]) -> None:
    assert talk(*before, "stop").outcomes == (OptedOut(),)


def test_a_payment_claimed_along_with_a_stop_is_booked_too() -> None:
    assert talk("I already paid, stop texting me").outcomes == (PaymentClaimed(), OptedOut())


def test_a_reply_after_the_end_opens_the_talk_again() -> None:
    turn = talk("I already paid", "hm")
    assert turn.state.offered == ("pay_now", "promise", "installments", "more")
    assert not turn.state.done


def test_a_language_asked_for_repeats_the_question_in_it() -> None:
    turn = talk("2", "русский")
    assert turn.outcomes == (LanguageChanged("ru", chosen=True),)
    assert (turn.state.language, keys(turn)) == ("ru", ["common.promise"])


def test_a_sentence_in_another_language_is_answered_in_it() -> None:
    turn = talk("заплачу в пятницу пожалуйста")
    assert turn.outcomes == (LanguageChanged("ru", chosen=False),)
    assert turn.state.asked == "promise_check"


def test_whoever_writes_first_is_answered_or_greeted() -> None:
    script = load_scripts()["inbound"]
    assert keys(answer_first(script, Said("hello"), FACTS, "en", NOW))[0] == "common.phrases.who"
    assert answer_first(script, Said("can I pay in 3 parts"), FACTS, "en", NOW).outcomes == (InstallmentsRequested(3),)


def test_lines_without_their_fact_are_left_out() -> None:
    bare = replace(FACTS, consequence_on=None, pay_link="")
    assert keys(talk(script="warning", facts=bare)) == [
        "common.phrases.who",
        "warning.opening.due",
        "common.phrases.stop",
    ]


def test_a_step_that_is_gone_hands_over() -> None:
    script = load_scripts()["reminder"]
    turn = resume(script, replace(talk("2").state, asked="gone"), Said("friday"), FACTS, NOW)
    assert turn.outcomes == (OperatorRequested(Handover.FAULT),)


def test_a_circle_hands_over_instead_of_hanging() -> None:
    circle = "spec: 1\nscript: round\nstart: a\nsteps:\n  a: {say: One, next: b}\n  b: {say: Two, next: a}\n"
    turn = start(parse_script(circle, "round.yaml"), FACTS, "en", NOW)
    assert turn.outcomes == (OperatorRequested(Handover.FAULT),)
    assert keys(turn) == ["common.fault"]


def test_a_state_survives_storage() -> None:
    state = talk("I'll pay 50 lei on Friday").state
    assert State.from_json(state.to_json()) == state
    with pytest.raises(UnknownSchema):
        State.from_json({**state.to_json(), "schema": SCHEMA + 1})


WORDS = re.findall(
    r"\S+",
    "yes no 1 2 3 4 7 15 stop friday tomorrow 31.04 pay promise parts paid wrong person operator русский română так "
    "не можу nu am bani 200 lei заплачу завтра in 3 parts who are you link ? , . but",
)
REPLIES = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=6).map(lambda words: Said(" ".join(words))),
    st.text(max_size=40).map(Said),
    st.text("0123456789#*", max_size=3).map(Keys),
    st.sampled_from(["pay_now", "promise", "installments", "more", "paid", "dispute", "yes", "no", "gone"]).map(Chose),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(load_scripts())), st.sampled_from(["en", "ro", "uk", "ru"]), st.lists(REPLIES, max_size=8)
)
def test_any_talk_stands_at_a_question_or_at_its_end(name: str, language: str, replies: list[Reply]) -> None:
    script = load_scripts()[name]
    turn = start(script, FACTS, language, NOW)
    for reply in replies:
        turn = resume(script, State.from_json(turn.state.to_json()), reply, FACTS, NOW)
        assert turn.messages
        assert turn.state.done != bool(turn.state.asked)
        assert turn.state.misses <= 3
