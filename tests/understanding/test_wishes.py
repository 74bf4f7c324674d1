"""Two wishes in one reply, the state of the talk, and replies that nothing may be made of."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.reading.reader import read
from dialogs.reading.reading import LANGUAGES, Asked, Band, Intent

TODAY = date(2026, 3, 11)


@pytest.mark.parametrize(
    ("language", "text", "first", "second"),
    [
        ("en", "already paid, stop texting me", Intent.OPT_OUT, Intent.ALREADY_PAID),
        ("ro", "am plătit deja, nu-mi mai scrieți", Intent.OPT_OUT, Intent.ALREADY_PAID),
        ("uk", "вже заплатив, не пишіть мені більше", Intent.OPT_OUT, Intent.ALREADY_PAID),
        ("ru", "я уже оплатил, больше не пишите мне", Intent.OPT_OUT, Intent.ALREADY_PAID),
    ],
)
def test_of_two_wishes_the_more_binding_is_done_and_the_other_told(
    language: str, text: str, first: Intent, second: Intent
) -> None:
    reading = read(text, language, TODAY)
    assert (reading.intent, reading.second, reading.band) == (first, second, Band.ACT)


@pytest.mark.parametrize("word", ["STOP", "unsubscribe", "END", "quit", "StopAll", "cancel", "revoke", "OptOut"])
@pytest.mark.parametrize("asked", Asked)
def test_the_words_that_carriers_block_on_stop_in_every_state(word: str, asked: Asked) -> None:
    assert read(word, "en", TODAY, asked).acts(Intent.OPT_OUT)


def test_a_yes_is_likelier_where_one_was_asked_for() -> None:
    asked = read("works i guess", "en", TODAY, Asked.CONFIRM)
    unasked = read("works i guess", "en", TODAY)
    assert asked.intent == Intent.AFFIRM
    assert asked.margin >= unasked.margin


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "😂😂😂",
        "\u202eolleh\u202c",
        "\x00\x01\x02",
        "مرحبا، كم أدين لكم؟",
        "https://pay.example/x?y=1",
        "4111 1111 1111 1111",
        "asdfgh qwerty",
        "....",
        "x" * 10_000,
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_guessed_from_what_says_nothing(text: str, language: str) -> None:
    reading = read(text, language, TODAY)
    assert reading.band == Band.ASK
    assert (reading.dates, reading.language) == ((), language)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.text(alphabet=st.sampled_from("ааеиoпрстяєії abcdefnopst0123456789.,!?-👍\u202e\u0000ș'"), max_size=200),
    st.sampled_from(("", *LANGUAGES)),
    st.sampled_from(Asked),
)
def test_whatever_is_written_is_read_alike_each_time(text: str, language: str, asked: Asked) -> None:
    reading = read(text, language, TODAY, asked)
    assert reading == read(text, language, TODAY, asked)
    assert 0 <= reading.margin <= 1
    assert reading.language in LANGUAGES
    assert reading.band != Band.ACT or reading.intent != Intent.OTHER
    assert all("\n" not in line for line in reading.why)


@pytest.mark.parametrize(
    ("text", "language", "script"),
    [("zaplachu v pyatnicu", "ru", "Latn"), ("оплачу в пятницу", "ru", ""), ("nu am bani acum", "ro", "")],
)
def test_the_script_is_told_where_it_is_not_the_languages_own(text: str, language: str, script: str) -> None:
    reading = read(text, "", TODAY)
    assert (reading.language, reading.script, reading.switch) == (language, script, False)


def test_the_why_is_one_line_that_names_the_words() -> None:
    line = read("жду зарплату, в пятницу отдам", "ru", TODAY).why[0]
    assert line.startswith("promise_to_pay")
    assert "salary" in line
