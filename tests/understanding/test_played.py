"""Replies that native writers found misread while they played talks, and those that look like them: each is read so."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from dialogs.reading.reader import read
from dialogs.reading.reading import Asked, Intent

PLAYED = Path(__file__).parent / "seen" / "played.tsv"
WEDNESDAY = date(2026, 3, 11)
"""The day on which all of them are read."""


def rows() -> list[dict[str, str]]:
    with PLAYED.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['lang']} {row['asked']} {row['text']}")
def test_a_reply_once_misread_is_understood(row: dict[str, str]) -> None:
    reading = read(row["text"], row["lang"], WEDNESDAY, Asked(row["asked"]))
    named = (
        "|".join(day.date.isoformat() for day in reading.dates),
        "|".join(f"{amount.value:f}" for amount in reading.amounts),
        str(reading.count or ""),
    )
    assert (reading.intent, reading.language) == (Intent(row["intent"]), row["lang"]), reading.why
    assert named == (row["until"], row["amount"], row["count"])
    assert reading.acts(reading.intent) or not row["acts"]
