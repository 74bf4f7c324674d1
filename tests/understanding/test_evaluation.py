"""How well replies are understood that nothing was tuned on: bars a little under docs/understanding.md."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from dialogs.reading.evaluation import Case, Score, judged_by, score
from dialogs.reading.examples import Example
from dialogs.reading.reader import read
from dialogs.reading.reading import LANGUAGES, Intent
from dialogs.reading.scorecard import scorecard
from dialogs.reading.traits import LEARNED_ON

UNSEEN = Path(__file__).parent / "unseen" / "intents.tsv"
NEUTRAL = [
    "ok",
    "OK!",
    "300",
    "sms",
    "stop",
    "стоп",
    "да",
    "так",
    "👍",
    "15.12",
    "iban",
    "1500 lei",
    "https://pay.example/x",
    "ана",
    "visa",
    "www.example.com",
    "+",
    "?",
    "7",
    "hi",
]


@cache
def cases() -> tuple[Case, ...]:
    with UNSEEN.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return tuple(judged_by((Example(row["lang"], Intent(row["intent"]), row["text"]), row["style"]) for row in rows))


def scored(style: str = "") -> Score:
    return score([case for case in cases() if style in {"", case.style}])


@pytest.mark.parametrize(
    ("style", "right", "acted", "precise"), [("everyday", 0.93, 0.88, 0.985), ("hard", 0.83, 0.70, 0.955)]
)
def test_intents_are_understood(style: str, right: float, acted: float, precise: float) -> None:
    found = scored(style)
    assert (found.right >= right, found.acted >= acted, found.precise >= precise) == (True, True, True), found


def test_little_is_done_about_what_is_none_of_our_business() -> None:
    assert scored().other_acted <= 0.08


def test_a_stop_is_heard_and_seldom_imagined() -> None:
    assert scored().opt_out_heard >= 0.98
    assert scored().opt_out_done >= 0.87
    assert scored().opt_out_false <= 0.005
    assert scored().opt_out_vain <= 0.05


def test_the_language_is_told_without_knowing_the_writer() -> None:
    assert scored().language >= 0.98
    assert scored().language_latin >= 0.97


def test_the_language_of_the_talk_is_kept_by_replies_that_have_none() -> None:
    kept = [read(text, language, LEARNED_ON).language == language for text in NEUTRAL for language in LANGUAGES]
    assert sum(kept) / len(kept) >= 0.97


def test_the_language_of_the_talk_is_kept_by_its_own_speakers() -> None:
    kept = [read(case.text, case.language, LEARNED_ON).language == case.language for case in cases()]
    assert sum(kept) / len(kept) >= 0.985


def test_the_page_of_figures_has_a_row_for_each_language() -> None:
    page = scorecard(cases()[:200])
    assert all(f"| {language} |" in page for language in LANGUAGES)
