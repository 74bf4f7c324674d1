"""What is made of replies, as people write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.reading.reader import read
from dialogs.reading.reading import LANGUAGES, Asked, Band, Intent

TODAY = date(2026, 3, 11)  # a Wednesday


def days(text: str, language: str, asked: Asked = Asked.DATE) -> list[str]:
    return [day.date.isoformat() for day in read(text, language, TODAY, asked).dates]


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "I'll pay tomorow evening", "2026-03-12"),
        ("en", "by Wednesday", "2026-03-18"),
        ("en", "next week on Monday", "2026-03-16"),
        ("en", "end of the month please", "2026-03-31"),
        ("en", "not Thursday, Friday", "2026-03-13"),
        ("en", "the 5th", "2026-04-05"),
        ("ro", "miine dimineata", "2026-03-12"),
        ("ro", "peste două luni", "2026-05-11"),
        ("ro", "pe data de 20", "2026-03-20"),
        ("ro", "sâmbătă", "2026-03-14"),
        ("uk", "через три дні", "2026-03-14"),
        ("uk", "двадцять п’ятого березня", "2026-03-25"),
        ("uk", "u p'yatnytsyu", "2026-03-13"),
        ("uk", "до кінця тижня", "2026-03-15"),
        ("ru", "послезавтра", "2026-03-13"),
        ("ru", "оплачу 15.12", "2026-12-15"),
        ("ru", "через недельку", "2026-03-18"),
        ("ru", "v sredu", "2026-03-18"),
    ],
)
def test_a_day_is_understood(language: str, text: str, day: str) -> None:
    assert days(text, language) == [day]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "31 april"),
        ("en", "account 4481"),
        ("en", "call me at 18:30"),
        ("en", "after my salary"),
        ("ro", "31.04"),
        ("ro", "în 3 rate"),
        ("uk", "заплачу 500 грн"),
        ("uk", "после зарплаты"),
        ("ru", "на днях"),
        ("ru", "31 апреля"),
    ],
)
def test_no_day_is_guessed(language: str, text: str) -> None:
    assert days(text, language) == []


def test_a_bare_number_is_a_day_only_when_a_day_was_asked_for() -> None:
    assert days("15", "en", Asked.DATE) == ["2026-03-15"]
    assert days("15", "en", Asked.NOTHING) == []


def test_days_of_a_payment_made_lie_in_the_past() -> None:
    assert days("I paid on 2 March", "en", Asked.NOTHING) == ["2026-03-02"]


@pytest.mark.parametrize(
    ("language", "text", "value", "currency"),
    [
        ("en", "I can pay 1,500.50 now", "1500.50", ""),
        ("en", "$20 today", "20", "USD"),
        ("ro", "plătesc 1.500 lei", "1500", "LEI"),
        ("uk", "заплачу 200 грн у п'ятницю", "200", "UAH"),
        ("ru", "1,5 тыс", "1500", ""),
        ("ru", "300р", "300", "RUB"),
    ],
)
def test_a_sum_is_understood(language: str, text: str, value: str, currency: str) -> None:
    (found,) = read(text, language, TODAY).amounts
    assert (found.value, found.currency) == (Decimal(value), currency)


@pytest.mark.parametrize("text", ["account 4481", "call at 18:30", "on the 15th", "+40 700 000 001", "by 15.12.2026"])
def test_no_sum_is_made_up(text: str) -> None:
    assert read(text, "en", TODAY).amounts == ()


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("en", "can I pay in three parts", 3),
        ("en", "over 6 months", 6),
        ("ro", "pot plati in 2 transe", 2),
        ("uk", "чотирма частинами", 4),
        ("ru", "разбейте на 5 частей", 5),
    ],
)
def test_a_number_of_parts_is_understood(language: str, text: str, count: int) -> None:
    assert read(text, language, TODAY).count == count


@pytest.mark.parametrize(
    ("language", "text", "intent"),
    [
        ("en", "I lost my job, I can't pay it all at once. Can I pay in 3 parts?", Intent.REQUEST_INSTALLMENTS),
        ("en", "already paid, stop texting me", Intent.OPT_OUT),
        ("en", "this bill is incorrect", Intent.DISPUTE),
        ("en", "let me talk to a human", Intent.HUMAN),
        ("ro", "am achitat ieri", Intent.ALREADY_PAID),
        ("ro", "nu-mi mai scrieti", Intent.OPT_OUT),
        ("ro", "ati gresit numarul", Intent.WRONG_PERSON),
        ("uk", "скільки я винен?", Intent.ASK_BALANCE),
        ("uk", "скиньте посилання", Intent.REQUEST_PAYMENT_LINK),
        ("uk", "втратила роботу", Intent.HARDSHIP),
        ("ru", "дайте отсрочку", Intent.REQUEST_EXTENSION),
        ("en", "I will not pay on Friday", Intent.DENY),
        ("ro", "nu mai am bani", Intent.HARDSHIP),
        ("ru", "я не заплачу", Intent.DENY),
        ("ru", "вы кто?", Intent.WHO_ARE_YOU),
        ("ru", "zaplachu v pyatnicu", Intent.PROMISE_TO_PAY),
    ],
)
def test_a_wish_is_understood(language: str, text: str, intent: Intent) -> None:
    reading = read(text, language, TODAY)
    assert (reading.intent, reading.band) == (intent, Band.ACT)
    assert reading.why


@pytest.mark.parametrize(
    "text", ["STOP", "Stop.", "СТОП", "CTОП", "ＳＴＯＰ", "стоп, хватит", "dezabonare", "Unsubscribe", "opt out"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_opt_out_words_count_in_any_language_of_the_talk(text: str, language: str) -> None:
    reading = read(text, language, TODAY)
    assert reading.acts(Intent.OPT_OUT)
    assert not reading.switch


@pytest.mark.parametrize(
    "text", ["end of the month", "cancelled my card, new one comes Friday", "I can't stop by today"]
)
def test_opt_out_words_inside_a_sentence_do_not_count(text: str) -> None:
    assert read(text, "en", TODAY).intent != Intent.OPT_OUT


@pytest.mark.parametrize(
    ("current", "text", "language"),
    [
        ("ru", "не можу зараз заплатити, ще немає грошей", "uk"),
        ("en", "заплачу в пятницу пожалуйста", "ru"),
        ("en", "nu pot să plătesc acum", "ro"),
        ("ro", "I will pay it next week", "en"),
    ],
)
def test_a_clear_sentence_switches_the_talk(current: str, text: str, language: str) -> None:
    reading = read(text, current, TODAY)
    assert (reading.language, reading.switch, reading.chosen) == (language, True, False)


@pytest.mark.parametrize("text", ["ok", "да", "300", "sms", "OK!!!", "так", "👍", "https://pay.example/x", "15.12"])
@pytest.mark.parametrize("current", LANGUAGES)
def test_short_and_neutral_replies_keep_the_language(text: str, current: str) -> None:
    assert read(text, current, TODAY).language == current


@pytest.mark.parametrize(
    ("text", "language"),
    [("русский", "ru"), ("română", "ro"), ("in english please", "en"), ("українською, будь ласка", "uk")],
)
def test_a_language_may_be_asked_for(text: str, language: str) -> None:
    current = "en" if language != "en" else "ru"
    reading = read(text, current, TODAY)
    assert (reading.language, reading.chosen) == (language, True)


def test_only_languages_of_the_deployment_are_switched_to() -> None:
    assert read("заплачу в пятницу пожалуйста", "en", TODAY, languages=("en", "ro")).language == "en"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=400), st.sampled_from(LANGUAGES), st.sampled_from(Asked))
def test_reading_never_raises(text: str, language: str, asked: Asked) -> None:
    reading = read(text, language, TODAY, asked)
    assert 0 <= reading.margin <= 1
    assert reading == read(text, language, TODAY, asked)


@pytest.mark.parametrize("unit", ["заплачу 31.04 ", "1.", "a", "٣", "\u202e\u0000", "ș,", "9" * 50 + " ", "in three "])
def test_reading_never_raises_on_ten_thousand_characters(unit: str) -> None:
    for language in LANGUAGES:
        read((unit * 10_000)[:10_000], language, TODAY, Asked.DATE)
