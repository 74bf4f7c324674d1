"""What can be said in every script without its drawing it: help, another language, a value said wrongly, more time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from talking import FRIDAY, MONDAY, NOW, OWING, keys
from talking import talk as talk_with

from dialogs.catalog import load_catalogs
from dialogs.facts import MATTERS, Due
from dialogs.message import Chose, Reply, Said
from dialogs.render import render
from dialogs.script import load_scripts
from dialogs.turn import resume, start
from engine.money import money
from engine.outcome import (
    Handover,
    InstallmentsRequested,
    LanguageChanged,
    OperatorRequested,
    Outcome,
    PromiseMade,
)

FACTS = replace(OWING, **dict.fromkeys(MATTERS, Due(money(70, "RON"), FRIDAY)))
talk = partial(talk_with, facts=FACTS)
OUTREACH = sorted(name for name, script in load_scripts().items() if not script.by_client)


@pytest.mark.parametrize("name", OUTREACH)
@pytest.mark.parametrize("reply", ["help", "?", "допомога", "ajutor", "помощь"])
def test_help_is_given_in_every_script_and_the_question_is_put_again(name: str, reply: str) -> None:
    before = talk(script=name)
    turn = talk(reply, script=name)
    assert keys(turn)[0] == "common.help"
    assert turn.state.asked in {before.state.asked, "menu"}
    assert turn.state.misses == 0


def test_help_in_the_middle_of_a_promise_comes_back_to_it() -> None:
    turn = talk("I'll pay on Friday", "help")
    assert keys(turn) == ["common.help", "common.promise_check"]
    assert talk("I'll pay on Friday", "help", "yes").outcomes == (PromiseMade(FACTS.amount_due, FRIDAY),)


@pytest.mark.parametrize(
    ("language", "reply"),
    [
        ("en", "change language"),
        ("en", "language"),
        ("ro", "altă limbă"),
        ("uk", "змінити мову"),
        ("ru", "другой язык"),
    ],
)
def test_asking_for_another_language_offers_each_by_its_own_name(language: str, reply: str) -> None:
    script, turn = load_scripts()["reminder"], talk(reply, language=language)
    speech = render(turn.messages, script, FACTS, turn.state.language, load_catalogs())
    assert [choice.label for choice in speech.choices] == ["English", "Română", "Українська", "Русский"]


@pytest.mark.parametrize("chosen", ["3", Chose("uk"), "українська"])
def test_a_language_chosen_is_spoken_and_the_question_put_again(chosen: str | Reply) -> None:
    turn = talk("I'll pay on Friday", "change language", chosen)
    assert turn.outcomes == (LanguageChanged("uk", chosen=True),)
    assert (turn.state.language, turn.state.asked, turn.state.stack) == ("uk", "promise_check", ())
    assert keys(turn) == ["common.promise_check"]
    booked = talk("I'll pay on Friday", "change language", chosen, "так")
    assert booked.outcomes == (PromiseMade(FACTS.amount_due, FRIDAY),)


def test_only_languages_of_the_deployment_are_offered() -> None:
    assert talk("change language", languages=("en", "uk")).state.offered == ("en", "uk")
    turn = talk("change language", Chose("ru"), languages=("en", "uk"))
    assert (turn.state.language, turn.outcomes) == ("en", ())


def test_the_language_may_be_asked_for_after_the_end() -> None:
    turn = talk("I already paid", "change language", "2")
    assert (turn.state.language, keys(turn)[-1], turn.state.asked) == ("ro", "common.reopened", "menu")


def test_a_stop_goes_before_the_choice_of_a_language() -> None:
    turn = talk("I'll pay on Friday", "change language", "stop")
    assert (turn.state.done, turn.state.stack) == (True, ())


@pytest.mark.parametrize(
    "reply", ["I made a mistake", "wrong day", "am greșit", "я помилилася", "я ошибся", "хочу изменить дату"]
)
def test_a_value_said_wrongly_is_asked_for_again(reply: str) -> None:
    turn = talk("I'll pay on Friday", reply)
    assert keys(turn) == ["common.promise"]
    assert talk("I'll pay on Friday", reply, "16").messages[0].args["until"] == MONDAY


@pytest.mark.parametrize("reply", ["sorry, I meant Monday", "I meant monday", "no, monday", "Monday"])
def test_a_promise_already_made_is_corrected_and_takes_the_place_of_the_first(reply: str) -> None:
    asked = talk("I'll pay 50 lei on Friday", "yes", reply)
    assert asked.messages[0].args == {"amount": money(50, "RON"), "until": MONDAY}
    made = talk("I'll pay 50 lei on Friday", "yes", reply, "yes")
    assert made.outcomes == (PromiseMade(money(50, "RON"), MONDAY, instead=(money(50, "RON"), FRIDAY)),)


def test_a_second_promise_is_no_correction() -> None:
    turn = talk("I'll pay 50 lei on Friday", "yes", "I'll pay on Monday", "yes")
    assert turn.outcomes == (PromiseMade(FACTS.amount_due, MONDAY),)


@pytest.mark.parametrize("came_between", [(), ("language",)])
def test_a_correction_while_a_language_is_asked_for_is_read_back_and_booked_once(came_between: tuple[str, ...]) -> None:
    replies = ("I will pay on Friday", *came_between, "I meant Monday", "yes")
    made = talk(*replies)
    assert made.outcomes == (PromiseMade(FACTS.amount_due, MONDAY),)
    assert (made.state.done, made.state.stack) == (True, ())
    assert talk(*replies, "yes").outcomes == ()


def test_a_promise_is_corrected_after_another_language_was_asked_for() -> None:
    made = talk("I will pay on Friday", "yes", "language", "1", "I meant Monday", "yes")
    assert made.outcomes == (PromiseMade(FACTS.amount_due, MONDAY, instead=(FACTS.amount_due, FRIDAY)),)


def test_a_promise_corrected_twice_takes_the_place_of_the_last() -> None:
    made = talk("I will pay on Friday", "yes", "monday", "yes", "friday", "yes")
    assert made.outcomes == (PromiseMade(FACTS.amount_due, FRIDAY, instead=(FACTS.amount_due, MONDAY)),)


@pytest.mark.parametrize("first", [("can I pay in 3 parts",), ("the bill is wrong", "it was never delivered to us")])
def test_a_day_named_after_something_else_was_booked_corrects_nothing(first: tuple[str, ...]) -> None:
    assert keys(talk(*first, "Monday")) == ["common.promise_check"]
    made = talk(*first, "Monday", "yes")
    assert made.outcomes == (PromiseMade(FACTS.amount_due, MONDAY),)


def test_a_promise_not_booked_yet_is_corrected_and_replaces_none_of_an_earlier_matter() -> None:
    made = talk("I'll pay 50 lei on Friday", "yes", "I'll pay 20 lei on Monday", "I meant Friday", "yes")
    assert made.outcomes == (PromiseMade(money(20, "RON"), FRIDAY),)


def test_a_day_named_once_the_promised_one_is_past_is_a_new_promise() -> None:
    script, booked = load_scripts()["reminder"], talk("I'll pay 50 lei on Friday", "yes").state
    later = replace(FACTS, today=MONDAY)
    asked = resume(script, booked, Said("tomorrow"), later, NOW)
    made = resume(script, asked.state, Said("yes"), later, NOW)
    assert made.outcomes == (PromiseMade(FACTS.amount_due, MONDAY + timedelta(days=1)),)


@pytest.mark.parametrize(
    ("language", "yes", "reply", "step"),
    [
        ("en", "yes", "wrong amount", "dispute"),
        ("ro", "da", "suma greșită", "dispute"),
        ("uk", "так", "не та сума", "reopened"),
        ("ru", "да", "не та сумма", "reopened"),
        ("uk", "так", "помилився номером", "reopened"),
        ("ru", "да", "ошибся номером", "reopened"),
    ],
)
def test_a_mistake_that_may_be_ours_is_no_correction_of_the_day(language: str, yes: str, reply: str, step: str) -> None:
    turn = talk("15.03", yes, reply, language=language)
    assert keys(turn)[0] == f"common.{step}"


def test_a_number_of_parts_is_corrected_too() -> None:
    assert talk("can I pay in 3 parts", "sorry, I meant 4 parts").outcomes == (InstallmentsRequested(4),)


def test_where_there_is_nothing_to_correct_it_is_like_any_other_word() -> None:
    assert keys(talk("I made a mistake"))[0] == "common.not_understood"


@pytest.mark.parametrize(
    ("reply", "intent"),
    [
        ("I already paid", "already_paid"),
        ("you have the wrong person", "wrong_person"),
        ("the bill is wrong", "dispute"),
        ("I lost my job and have no money", "hardship"),
        ("who are you", "who_are_you"),
        ("please give me more time", "request_extension"),
        ("let me talk to a person", "human"),
        ("stop", "opt_out"),
    ],
)
@pytest.mark.parametrize("name", OUTREACH)
def test_every_script_answers_what_people_want_at_any_moment(name: str, reply: str, intent: str) -> None:
    turn, script = talk(reply, script=name), load_scripts()[name]
    step = script.steps[script.repairs[intent]]
    answered = [step, *(script.steps[go] for go in (step.ask.go.values() if step.ask else ()))]
    words = {line.key for one in answered for line in one.lines}
    assert turn.state.asked == step.id or words & set(keys(turn))


def test_whoever_is_not_known_yet_may_choose_the_language() -> None:
    script = load_scripts()["reminder"]
    opened = start(script, FACTS, "en", NOW, identified=False)
    turn = resume(script, opened.state, Said("русский"), replace(FACTS, account_tails=("1001",)), NOW)
    assert turn.outcomes == (LanguageChanged("ru", chosen=True),)
    assert (turn.state.language, turn.state.asked, turn.state.identified) == ("ru", "identity", False)
    assert keys(turn) == ["common.identity.who", "common.identity.name"]


def test_a_fault_hands_over_with_its_reason() -> None:
    script = load_scripts()["reminder"]
    broken = replace(talk("2").state, asked="menu_of_yore")
    turn = resume(script, broken, Said("friday"), FACTS, NOW)
    outcome: Outcome = turn.outcomes[0]
    assert isinstance(outcome, OperatorRequested)
    assert outcome.reason == "fault: the talk stands at 'menu_of_yore', which asks nothing"
    assert OperatorRequested(Handover.ASKED).reason == "asked"
    assert keys(turn) == ["common.fault"]
