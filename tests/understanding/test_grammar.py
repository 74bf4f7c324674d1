"""The grammar of values and its books of words: patterns, numbers in words, slips of the finger."""

from __future__ import annotations

import pytest

from dialogs.reading.day_rules import RECKONED
from dialogs.reading.lexicon import is_slip, lexicon, marks_of, repaired, skeleton_of
from dialogs.reading.marks import tokens
from dialogs.reading.numerals import joined
from dialogs.reading.patterns import grammar, pattern, row_over
from dialogs.reading.traits import LANGUAGES

SHAPES = {
    "clock",
    "code",
    "colon",
    "comma",
    "dash",
    "day",
    "day_taken",
    "dcm",
    "decimal",
    "digits",
    "dm",
    "fem",
    "int",
    "long",
    "n",
    "scaled",
    "slash",
    "small",
    "spoken",
    "stop",
    "th",
    "word",
    "year",
    "ymd",
}
"""Marks of numbers and signs, that no book has."""


@pytest.mark.parametrize("name", ["days", "days-asked", "money", "money-asked", "count-asked"])
def test_every_mark_of_the_grammar_is_borne_by_some_word(name: str) -> None:
    borne = set(SHAPES)
    for language in LANGUAGES:
        book = lexicon(language)
        rows = (marks for rows in book.phrases.values() for _, marks in rows)
        borne |= {
            mark.partition("=")[0]
            for marks in (*book.exact.values(), *book.stems.values(), *rows)
            for mark in marks.split("/")
        }
    asked = {mark for one in grammar(name).patterns for item in one.items for mark, _ in item.marks}
    assert asked - borne == set()


def number(text: str, language: str) -> list[str]:
    row = row_over(token.marks for token in joined(tokens(text, language, LANGUAGES)))
    return [token["n"] for token in row.tokens if "n" in token]


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("en", "two thousand three hundred and forty five", "2345"),
        ("en", "twenty five hundred", "2500"),
        ("en", "seventy-five", "75"),
        ("en", "a thousand and a half", "1500"),
        ("en", "2.5k", "2500"),
        ("ro", "o mie cinci sute nouăzeci și nouă", "1599"),
        ("ro", "douazeci si cinci de mii", "25000"),
        ("ro", "o mie și o sută", "1100"),
        ("ro", "1.500,50", "1500.5"),
        ("uk", "дві з половиною тисячі", "2500"),
        ("uk", "тисяча двісті тридцять чотири", "1234"),
        ("uk", "півтори тисячі", "1500"),
        ("ru", "пять сотен", "500"),
        ("ru", "полторы тыщи", "1500"),
        ("ru", "пол штуки", "500"),
        ("ru", "2 тысячи 300", "2300"),
        ("ru", "dve tysyachi pyatsot", "2500"),
    ],
)
def test_a_number_in_words_is_one_number(language: str, text: str, value: str) -> None:
    assert [f"{float(one):g}" for one in number(text, language)] == [f"{float(value):g}"]


@pytest.mark.parametrize(
    ("language", "text", "numbers"),
    [
        ("en", "two hundred and three hundred", ["200", "300"]),
        ("ru", "сто и двести", ["100", "200"]),
        ("ru", "500 к пятнице", ["500"]),
        ("ru", "т.е. двести", ["200"]),
        ("ro", "doua sau trei", ["2", "3"]),
    ],
)
def test_numbers_of_their_own_stay_apart(language: str, text: str, numbers: list[str]) -> None:
    assert number(text, language) == numbers


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "tomorrrow"), ("en", "tomorow"), ("ro", "vineir"), ("uk", "четевр"), ("ru", "суботта")],
)
def test_a_slip_of_the_finger_is_forgiven(language: str, word: str) -> None:
    skeleton = skeleton_of(word)
    assert marks_of(skeleton, language) or repaired(skeleton, language)


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("en", "monkey"),
        ("en", "money"),
        ("ro", "lumea"),
        ("ro", "pâine"),
        ("uk", "квитки"),
        ("ru", "карта"),
        ("ru", "завтрак"),
    ],
)
def test_another_word_is_no_slip(language: str, word: str) -> None:
    assert repaired(skeleton_of(word), language) == ""


def test_two_slips_are_another_word() -> None:
    assert is_slip("tomorow", "tomorrow")
    assert is_slip("firday", "friday")
    assert not is_slip("friday", "friday")
    assert not is_slip("tomrow", "tomorrow")


def test_a_pattern_takes_the_word_that_may_be_there_and_goes_back_where_it_must() -> None:
    row = row_over(["/on/", "/unit=day/of/", "/next/"])
    (hit,) = pattern("rule", "on of? unit next").hits(row)
    assert hit == (0, 2, {"on": [""], "unit": ["day"], "next": [""]})


def test_a_pattern_is_kept_from_what_must_not_follow() -> None:
    rule = pattern("rule", "day !part $")
    assert [hit[:2] for hit in rule.hits(row_over(["/day=5/"]))] == [(0, 0)]
    assert list(pattern("rule", "day !part").hits(row_over(["/day=5/", "/part/"]))) == []


def test_every_rule_of_days_stands_for_a_day_or_for_none() -> None:
    rules = {one.rule for name in ("days", "days-asked") for one in grammar(name).patterns}
    assert rules - {"no day", "open"} == set(RECKONED)
