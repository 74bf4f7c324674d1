"""The examples themselves: enough of them, none that contradict one another, and none of those kept for scoring."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from dialogs.reading.evaluation import intents
from dialogs.reading.examples import BadExample, packaged, read_examples
from dialogs.reading.reading import LANGUAGES, Intent

HERE = Path(__file__).parent
FEWEST = 40


def texts_of(name: str) -> set[str]:
    with (HERE / name).open(encoding="utf-8", newline="") as lines:
        return {row["text"].strip().casefold() for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_intent_has_forty_examples_with_those_kept_apart(language: str) -> None:
    counts = Counter(example.intent for example in packaged() if example.language == language)
    with (HERE / "unseen" / "intents.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        counts.update(Intent(row["intent"]) for row in rows if row["lang"] == language)
    assert {intent: counts[intent] for intent in intents() if counts[intent] < FEWEST} == {}


def test_what_is_scored_was_never_learned() -> None:
    learned = {example.text.strip().casefold() for example in packaged()}
    assert learned & texts_of("unseen/intents.tsv") == set()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("intent\ttext\npay\thello\n", "en.tsv:2: 'pay'"),
        ("text\nhello\n", "en.tsv:1: the columns are intent, text"),
        ("intent\ttext\naffirm\tOk\ndeny\tok\n", "en.tsv:3: the same text is affirm in line 2"),
        ("intent\ttext\naffirm\n", "en.tsv:2: the text is missing"),
    ],
)
def test_a_wrong_line_is_named_with_its_place(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "en.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(BadExample, match=complaint):
        list(read_examples(tmp_path / "en.tsv"))


def test_files_that_are_no_table_of_a_language_are_named(tmp_path: Path) -> None:
    (tmp_path / "ro.tsv").write_bytes("intent\ttext\naffirm\tașa".encode("utf-16"))
    with pytest.raises(BadExample, match="cannot be read as a table"):
        packaged(tmp_path)
    (tmp_path / "ro.tsv").rename(tmp_path / "fr.tsv")
    with pytest.raises(BadExample, match="'fr' is no language"):
        packaged(tmp_path)
