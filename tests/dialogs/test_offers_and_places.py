"""Offers, places to pay, claims and calls: what a choice keeps, what words stand for an option, what is booked."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from talking import FRIDAY, MONDAY, NOW, OWING, keys, talk

from dialogs.catalog import load_catalogs
from dialogs.check import Kind, check
from dialogs.facts import Due, PayPoint
from dialogs.labels import by_label
from dialogs.message import Chose, Keys, Said
from dialogs.render import render
from dialogs.script import ScriptError, load_scripts, parse_script
from dialogs.specimen import SPECIMEN
from dialogs.state import State
from dialogs.turn import resume
from engine.contact import ChannelKind
from engine.money import money
from engine.outcome import (
    CallbackWanted,
    Handover,
    OfferAccepted,
    OfferKind,
    OperatorRequested,
    PaymentClaimed,
    PromiseMade,
    WrongPerson,
)

FACTS = replace(
    OWING,
    amnesty=Due(money(70, "RON"), FRIDAY),
    cancelled=money(50, "RON"),
    prepayment=Due(money(900, "RON"), MONDAY),
    months_paid=10,
    months_free=2,
    claim=Due(money(120, "RON"), date(2026, 3, 6)),
    answered=Due(money(20, "RON"), date(2026, 3, 6)),
    places=(PayPoint("City Bank", "Market Square 1"),),
)
HEAD = "spec: 2\nscript: small\nbegun_by: client\n"
CHOICE = (
    HEAD
    + """start: where
slots: {spot: text}
steps:
  where:
    say: "Where?"
    ask: choice
    slot: spot
    options:
      bank: {label: "At the bank", go: next_day}
      online: {label: {text: "Online", sms: "Web"}, go: next_day}
  next_day: {branch: [{when: {slot: spot, is: bank}, go: bank}], next: web}
  bank: {say: "The bank, then."}
  web: {say: "The web, then."}
"""
)


def label(words: str, language: str = "en", script: str = "callback_arrangement") -> object:
    state = State.from_json(talk(script=script, language=language, facts=FACTS).state.to_json())
    return by_label(Said(words), load_scripts()[script], state, load_catalogs())


@pytest.mark.parametrize(("option", "key"), [("bank", "small.bank"), ("online", "small.web")])
def test_a_choice_keeps_the_option_taken_for_branches(option: str, key: str) -> None:
    script = parse_script(CHOICE, "small.yaml")
    assert keys(talk(Chose(option), script=script)) == [key]
    assert keys(talk(Keys("1" if option == "bank" else "2"), script=script)) == [key]


def test_an_old_button_still_keeps_what_it_stood_for() -> None:
    again = talk("bank", Chose("bank"), Chose("online"), script=parse_script(CHOICE, "small.yaml"))
    assert keys(again) == ["small.web"]


@pytest.mark.parametrize(
    ("slots", "said"),
    [("{spot: money}", "which no choice fills"), ("{other: text}", "slot 'spot' is not declared")],
)
def test_the_slot_of_a_choice_is_a_declared_text(slots: str, said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        parse_script(CHOICE.replace("{spot: text}", slots), "small.yaml")


def test_an_offer_is_taken_only_where_a_script_is_about_one() -> None:
    taking = "start: a\nsteps:\n  a: {emit: offer, say: Thank you}\n"
    with pytest.raises(ScriptError, match=r"small.yaml: line 6: .*write 'matter: amnesty' or 'matter: prepayment'"):
        parse_script(HEAD + taking, "small.yaml")
    assert parse_script(f"{HEAD}matter: amnesty\n{taking}", "small.yaml").matter == "amnesty"


def test_a_call_needs_a_day() -> None:
    calling = parse_script(HEAD + "start: a\nsteps:\n  a: {emit: callback, say: Thank you}\n", "small.yaml")
    assert talk(script=calling).outcomes == (OperatorRequested(Handover.FAULT),)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "at the BANK."), ("en", "“At the bank”"), ("ro", "la banca"), ("ro", "La bancă!")],
)
def test_the_label_of_an_option_chooses_it_however_it_is_written(language: str, words: str) -> None:
    assert label(words, language) == Chose("bank")


@pytest.mark.parametrize("language", ["en", "ro", "uk", "ru"])
def test_every_label_chooses_its_own_option_in_its_language(language: str) -> None:
    for name, script in load_scripts().items():
        turn = talk(script=name, language=language, facts=SPECIMEN)
        shown = render(turn.messages, script, SPECIMEN, language, load_catalogs(), ChannelKind.TELEGRAM)
        for choice in shown.choices:
            found = by_label(Said(choice.label), script, turn.state, load_catalogs())
            assert found == Chose(choice.id), (name, choice)


def test_other_words_and_labels_not_offered_stay_words() -> None:
    assert label("at the bank tomorrow") == Said("at the bank tomorrow")
    assert label("Yes, please call") == Said("Yes, please call")
    state = talk(script="callback_arrangement", facts=FACTS).state
    assert by_label(Keys("1"), load_scripts()["callback_arrangement"], state, load_catalogs()) == Keys("1")


def test_where_and_when_to_pay_and_a_call_on_that_day() -> None:
    asked = talk(Chose("post"), script="callback_arrangement", facts=FACTS)
    assert keys(asked) == ["callback_arrangement.places.near", "common.promise"]
    made = talk(Chose("post"), "friday", "yes", script="callback_arrangement", facts=FACTS)
    assert made.outcomes == (PromiseMade(OWING.amount_due, FRIDAY),)
    called = talk(Chose("post"), "friday", "yes", "yes", script="callback_arrangement", facts=FACTS)
    assert called.outcomes == (CallbackWanted(FRIDAY, "Post office or terminal"),)
    assert talk(Chose("bank"), "friday", "yes", "no", script="callback_arrangement", facts=FACTS).outcomes == ()


def test_another_day_named_before_the_call_is_agreed_takes_the_place_of_the_first() -> None:
    replies = (Chose("bank"), "friday", "yes", "better on monday", "yes")
    made = talk(*replies, script="callback_arrangement", facts=FACTS)
    due = OWING.amount_due
    assert made.outcomes == (PromiseMade(due, MONDAY, instead=(due, FRIDAY)),)
    assert talk(*replies, "yes", script="callback_arrangement", facts=FACTS).outcomes == (
        CallbackWanted(MONDAY, "At the bank"),
    )


def test_where_no_places_are_known_the_day_is_asked_at_once() -> None:
    bare = replace(FACTS, places=())
    assert keys(talk(Chose("bank"), script="callback_arrangement", facts=bare)) == ["common.promise"]


TAKEN = OfferAccepted(OfferKind.AMNESTY)


@pytest.mark.parametrize("yes", ["yes", Chose("accept")])
def test_an_amnesty_is_taken_and_its_day_asked(yes: str | Chose) -> None:
    taken = talk(yes, script="amnesty_offer", facts=FACTS)
    assert (taken.outcomes, taken.state.asked) == ((TAKEN,), "promise")
    late = talk(yes, "on monday", script="amnesty_offer", facts=FACTS)
    assert keys(late) == ["amnesty_offer.promise.beyond"]
    made = talk(yes, "friday", "yes", script="amnesty_offer", facts=FACTS)
    assert made.outcomes == (PromiseMade(money(70, "RON"), FRIDAY),), "it is taken once"


def test_an_amnesty_is_not_taken_by_a_day_beyond_it_nor_before_the_day_is_confirmed() -> None:
    late = talk("I'll pay on Monday", script="amnesty_offer", facts=FACTS)
    assert (late.outcomes, keys(late)) == ((), ["amnesty_offer.promise.beyond"])
    assert late.messages[0].args == {"latest": FRIDAY}, "the last day there is: the offer's, not that of any promise"
    assert talk("I'll pay it", script="amnesty_offer", facts=FACTS).outcomes == ()
    assert talk("I'll pay on Friday", script="amnesty_offer", facts=FACTS).outcomes == ()
    made = talk("I'll pay on Friday", "yes", script="amnesty_offer", facts=FACTS)
    assert made.outcomes == (TAKEN, PromiseMade(money(70, "RON"), FRIDAY))


def test_the_part_of_an_amnesty_is_the_least_that_is_read_back() -> None:
    for said in ("I can only pay 50 on Friday", "I'll pay 100 on Friday"):
        asked = talk(said, script="amnesty_offer", facts=FACTS)
        assert keys(asked) == ["amnesty_offer.promise_check"]
        assert asked.messages[0].args["amount"] == money(70, "RON")


def test_an_offer_that_is_over_by_the_time_of_a_yes_is_asked_about_anew() -> None:
    asked = talk("I'll pay on Friday", script="amnesty_offer", facts=FACTS)
    sooner = replace(FACTS, amnesty=Due(money(70, "RON"), date(2026, 3, 12)))
    turn = resume(load_scripts()["amnesty_offer"], asked.state, Said("yes"), sooner, NOW)
    assert keys(turn) == ["amnesty_offer.promise.beyond"]


def test_what_is_owed_for_an_offer_is_its_own_sum() -> None:
    for script in ("amnesty_offer", "prepayment_offer"):
        for said in ("how much is it", "what is the offer?", "qwzx", "help"):
            offer = f"{script}.menu.{'offer' if script == 'amnesty_offer' else 'pay'}"
            assert offer in keys(talk(said, script=script, facts=FACTS)), said


@pytest.mark.parametrize("script", ["amnesty_offer", "prepayment_offer"])
def test_an_offer_is_taken_once_in_a_talk_however_often_it_is_opened_again(script: str) -> None:
    taken = [Chose("accept"), "friday", "yes"] if script == "amnesty_offer" else [Chose("accept")]
    again = talk(*taken, "qwzx", script=script, facts=FACTS)
    assert again.state.offered == ("paid", "dispute", "operator", "stop"), "the offer is not put again"
    for said in (Chose("accept"), "yes"):
        turn = talk(*taken, "qwzx", Chose("paid"), said, script=script, facts=FACTS)
        assert (turn.outcomes, keys(turn)) == ((), ["common.thanked"]), said


def test_months_ahead_are_no_promise() -> None:
    for said in ("maybe next month", "on Friday", "I need more time"):
        turn = talk(said, script="prepayment_offer", facts=FACTS)
        assert (turn.outcomes, keys(turn)[0]) == ((), "prepayment_offer.holds"), said
        assert turn.state.offered == ("accept", "decline", "operator")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("dispute_answered", "no"),
        ("dispute_answered", "the bill is still wrong"),
        ("service_restored", "it still doesn't work"),
        ("service_restored", "the bill is wrong"),
        ("restriction_notice", "operator"),
    ],
)
def test_who_does_not_agree_or_is_still_without_it_gets_a_person(script: str, said: str) -> None:
    assert talk(said, script=script, facts=FACTS).outcomes == (OperatorRequested(Handover.ASKED),)


def test_when_a_service_is_on_again_is_said_to_whoever_asks() -> None:
    asked = talk("when will it be on again?", script="restriction_notice", facts=FACTS)
    assert "restriction_notice.not_understood.again" in keys(asked)
    assert keys(talk("operator", script="restriction_notice", facts=FACTS))[0] == "restriction_notice.soon.again"


@pytest.mark.parametrize("script", ["dispute_answered", "service_restored", "promise_kept", "payment_received"])
def test_thanks_for_news_end_the_talk_kindly(script: str) -> None:
    facts = replace(FACTS, kept=Due(money(20, "RON"), date(2026, 3, 6)))
    turn = talk("thanks", script=script, facts=facts)
    assert (keys(turn), turn.state.done) == (["common.thanked"], True)
    if talk(script=script, facts=facts).state.done:
        assert keys(talk("\N{THUMBS UP SIGN}", script=script, facts=facts)) == ["common.thanked"]


@pytest.mark.parametrize("script", ["promise_kept", "payment_received"])
def test_and_the_rest_asks_for_the_balance(script: str) -> None:
    facts = replace(FACTS, kept=Due(money(20, "RON"), date(2026, 3, 6)))
    assert keys(talk("and the rest?", script=script, facts=facts))[0] == "common.balance.due"


@pytest.mark.parametrize(
    ("language", "words", "option"),
    [
        ("en", "cash", "point"),
        ("en", "I'd go to a terminal", "post"),
        ("en", "internet bank", "online"),
        ("ro", "prin internet banking", "online"),
        ("ro", "la posta", "post"),
        ("uk", "на пошті", "post"),
        ("uk", "в банку", "bank"),
        ("uk", "інтернет-банк", "online"),
        ("ru", "наличными", "point"),
        ("ru", "в банке", "bank"),
    ],
)
def test_words_of_an_option_choose_it(language: str, words: str, option: str) -> None:
    assert label(words, language) == Chose(option)


@pytest.mark.parametrize("words", ["I already paid at the bank", "on friday at the bank", "bank or terminal", "banks"])
def test_words_of_an_option_give_way_to_what_else_is_said(words: str) -> None:
    assert label(words) == Said(words)


def test_words_stand_for_an_option_in_other_scripts_too() -> None:
    assert label("later please", script="hardship_help") == Chose("promise")
    assert label("sorry, I forgot", script="payment_unclear") == Chose("not_yet")
    assert label("that is still wrong", script="dispute_answered") == Chose("operator")
    assert label("I pressed it by mistake", script="wrong_person") == Chose("no")


def test_two_options_of_the_same_words_are_found() -> None:
    both = CHOICE.replace('"At the bank"', '"At the bank", words: "card, web"').replace('"Online"', '"Online"', 1)
    script = parse_script(both.replace("label: {text:", 'words: "Card", label: {text:'), "small.yaml")
    issues = check({"small": script}, {})
    assert [issue.what for issue in issues if issue.kind is Kind.KEY_COLLISION] == [
        "'bank' and 'online' have the same label or word"
    ]


def test_an_offer_may_be_declined() -> None:
    turn = talk("no", script="amnesty_offer", facts=FACTS)
    assert (turn.outcomes, turn.state.offered) == ((), ("pay_now", "installments", "more"))
    assert talk("no", script="prepayment_offer", facts=FACTS).outcomes == ()
    assert talk("yes", script="prepayment_offer", facts=FACTS).outcomes == (OfferAccepted(OfferKind.PREPAYMENT),)


@pytest.mark.parametrize(
    ("language", "counted"),
    [
        ("en", ("1 month", "3 months", "12 months")),
        ("ro", ("1 lună", "3 luni", "20 de luni")),
        ("uk", ("1 місяць", "3 місяці", "12 місяців")),
        ("ru", ("1 месяц", "3 месяца", "12 месяцев")),
    ],
)
def test_months_are_counted_in_the_right_form(language: str, counted: tuple[str, ...]) -> None:
    for words in counted:
        months = int(words.split()[0])
        facts = replace(FACTS, months_paid=months, months_free=months)
        opened = talk(script="prepayment_offer", language=language, facts=facts)
        speech = render(opened.messages, load_scripts()["prepayment_offer"], facts, language, load_catalogs())
        said = " ".join(speech.paragraphs).replace(" more ", " ")
        assert len(re.findall(rf"\b{words}\b", said)) == 2, said


def test_a_claim_is_booked_with_when_and_where_it_was_paid() -> None:
    claimed = talk(Chose("details"), "monday, at the bank, 120", script="payment_unclear", facts=FACTS)
    assert claimed.outcomes == (PaymentClaimed("monday, at the bank, 120"),)
    at_once = talk("I paid 120 lei on Monday at the bank", script="payment_unclear", facts=FACTS)
    assert at_once.outcomes == (PaymentClaimed("I paid 120 lei on Monday at the bank"),)
    assert talk("I have already paid it", script="payment_unclear", facts=FACTS).state.asked == "details"


def test_a_dispute_that_leaves_nothing_to_pay_offers_no_payment() -> None:
    settled = replace(FACTS, amount_due=money(0, "RON"), granted=money(20, "RON"))
    assert talk(script="dispute_answered", facts=settled).state.offered == ()
    assert talk(script="dispute_answered", facts=FACTS).state.offered != ()


def test_a_wrong_person_is_asked_once_before_anything_is_undone() -> None:
    asked = talk(script="wrong_person")
    assert (asked.outcomes, asked.state.asked) == ((), "question")
    assert talk("no", script="wrong_person").state.asked == "menu"
    assert talk("yes", script="wrong_person").outcomes == (WrongPerson(),)
