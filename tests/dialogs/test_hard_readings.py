"""Replies that look like one thing and mean another: nothing is booked of what was not said."""

from __future__ import annotations

from datetime import date

import pytest

from dialogs.reading.reader import read
from dialogs.reading.reading import LANGUAGES, Asked, Band, Intent

TODAY = date(2026, 3, 11)  # a Wednesday


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I haven't paid"),
        ("en", "I have not paid yet"),
        ("en", "I've not yet paid this"),
        ("en", "my wife hasn't paid it"),
        ("en", "I'll have paid by friday"),
        ("en", "it will be paid on Friday"),
        ("en", "I get paid on Friday"),
        ("en", "I don't think I paid this"),
        ("ro", "nu am plătit"),
        ("ro", "n-am achitat inca"),
        ("ro", "nu e plătit"),
        ("ro", "va fi achitat vineri"),
        ("uk", "не сплатив"),
        ("uk", "я ще не оплатила"),
        ("uk", "буде сплачено в п'ятницю"),
        ("ru", "не оплатил"),
        ("ru", "я еще не заплатила"),
        ("ru", "ne oplatil"),
        ("ru", "не все оплатил"),
        ("uk", "не все сплатила"),
        ("ru", "будет оплачено в пятницу"),
        ("uk", "не оплатил"),
    ],
)
def test_a_payment_not_made_is_not_claimed(language: str, text: str) -> None:
    reading = read(text, language, TODAY)
    assert Intent.ALREADY_PAID not in {reading.intent, reading.second}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "don't worry, I paid yesterday"),
        ("en", "I paid already and I am not happy"),
        ("ro", "am plătit deja, nu mai am datorii"),
        ("uk", "я вже сплатив, не хвилюйтесь"),
        ("ru", "не понимаю, я уже оплатил"),
    ],
)
def test_a_payment_made_is_still_claimed(language: str, text: str) -> None:
    assert read(text, language, TODAY).acts(Intent.ALREADY_PAID)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I won't pay on Friday"),
        ("en", "I can't pay by 12 March"),
        ("en", "I am not going to pay tomorrow"),
        ("en", "I will never pay this"),
        ("ro", "nu pot plăti vineri"),
        ("ro", "nu plătesc mâine"),
        ("ro", "nu voi putea achita luni"),
        ("uk", "не зможу заплатити"),
        ("uk", "не заплачу в п'ятницю"),
        ("ru", "не заплачу в пятницу"),
        ("ru", "не смогу оплатить завтра"),
        ("ru", "не получится оплатить в пятницу"),
        ("uk", "не вийде оплатити завтра"),
        ("en", "не заплачу в пятницу"),
    ],
)
@pytest.mark.parametrize("asked", [Asked.NOTHING, Asked.DATE, Asked.CONFIRM])
def test_a_refusal_is_no_promise(language: str, text: str, asked: Asked) -> None:
    reading = read(text, language, TODAY, asked)
    assert Intent.PROMISE_TO_PAY not in {reading.intent, reading.second}
    assert reading.dates == ()
    assert reading.answer is not True


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "I can't pay today, I'll pay on Friday", "2026-03-13"),
        ("en", "i cant pay today i will pay on friday", "2026-03-13"),
        ("ro", "azi nu pot, plătesc vineri", "2026-03-13"),
        ("ru", "не волнуйтесь заплачу в пятницу", "2026-03-13"),
        ("uk", "сьогодні не можу, заплачу в п'ятницю", "2026-03-13"),
        ("ru", "сегодня не могу, заплачу в пятницу", "2026-03-13"),
    ],
)
def test_a_promise_behind_a_refusal_counts(language: str, text: str, day: str) -> None:
    reading = read(text, language, TODAY)
    assert reading.intent == Intent.PROMISE_TO_PAY
    assert [one.date.isoformat() for one in reading.dates] == [day]


@pytest.mark.parametrize(
    ("language", "text", "answer"),
    [
        ("en", "yes, no", None),
        ("en", "yes... wait, no", None),
        ("en", "yes but not on Friday", None),
        ("en", "not sure", None),
        ("en", "no, of course", False),
        ("en", "yes, no problem", True),
        ("ro", "da, nu", None),
        ("ro", "nu sunt sigură", None),
        ("ro", "nu știu", None),
        ("uk", "не впевнений", None),
        ("uk", "так", True),
        ("ru", "да нет", None),
        ("ru", "да, ну конечно", True),
        ("ru", "не уверена", None),
        ("ru", "не знаю", None),
        ("en", "y", True),
        ("en", "k", True),
        ("en", "Ok!", True),
        ("ro", "+", True),
        ("uk", "👍🏽", True),
        ("ru", "👍👍", True),
        ("ru", "+++", True),
    ],
)
def test_a_yes_is_a_yes_only_where_it_is_meant(language: str, text: str, answer: bool | None) -> None:
    reading = read(text, language, TODAY, Asked.CONFIRM)
    assert reading.answer is answer
    assert reading.band == (Band.ASK if answer is None else Band.ACT)


@pytest.mark.parametrize("text", ["y", "+", "👍"])
def test_a_sign_says_nothing_where_no_yes_was_asked_for(text: str) -> None:
    assert read(text, "en", TODAY).answer is None


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "between the 13th and the 15th", "2026-03-15"),
        ("ro", "între vineri și luni", "2026-03-16"),
        ("uk", "між п'ятницею та понеділком, до понеділка", "2026-03-16"),
        ("ru", "с пятницы до понедельника", "2026-03-16"),
    ],
)
def test_of_a_range_the_later_day_counts(language: str, text: str, day: str) -> None:
    assert [one.date.isoformat() for one in read(text, language, TODAY, Asked.DATE).dates] == [day]


@pytest.mark.parametrize(
    "text",
    [
        "stopp",
        "STOPP!",
        "opreste",
        "Oprește",
        "opriți",
        "opriti sms",
        "arret",
        "Arrêt",
        "стоп смс",
        "хватит",
        "не пишите",
        "не пишіть",
        "Годі.",
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_many_ways_to_say_stop(text: str, language: str) -> None:
    assert read(text, language, TODAY).acts(Intent.OPT_OUT)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "stop by your office"),
        ("en", "I'll stop by your office on Friday"),
        ("ro", "nu pot opri"),
        ("ro", "nu mă pot opri azi la oficiu"),
        ("ru", "денег не хватит"),
        ("uk", "досить складно зараз"),
    ],
)
def test_no_stop_is_heard_where_none_was_said(language: str, text: str) -> None:
    reading = read(text, language, TODAY)
    assert Intent.OPT_OUT not in {reading.intent, reading.second}
