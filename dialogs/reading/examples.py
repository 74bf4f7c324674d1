"""Replies as people write them, with what they want: `examples/<language>.tsv`, edited by hand or by an admin."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dialogs.reading.reading import Intent

EXAMPLES = Path(__file__).parent / "examples"
COLUMNS = ("intent", "text")


class BadExample(ValueError):
    """A line of the examples cannot be read; the message names file, line, and what it should be."""


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """One reply; `language` is the one it is written in, whatever the alphabet."""

    language: str
    intent: Intent
    text: str


def packaged(folder: Path = EXAMPLES) -> tuple[Example, ...]:
    """All examples of a folder, by language and then as they stand in the file. Raises BadExample."""
    return tuple(example for path in sorted(folder.glob("*.tsv")) for example in read_examples(path))


def read_examples(path: Path) -> Iterator[Example]:
    """The examples of one file, its language being the file's name. Raises BadExample."""
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BadExample(f"{path}:1: the columns are {', '.join(COLUMNS)}, with a tab between")
        for row in reader:
            try:
                yield Example(path.stem, Intent(row["intent"]), row["text"] or "")
            except ValueError as error:
                raise BadExample(f"{path}:{reader.line_num}: {error}; the intents are {', '.join(Intent)}") from error


def twice_meant(examples: Iterable[Example]) -> list[tuple[Example, Example]]:
    """Pairs of equal texts in one language that are given two intents."""
    first: dict[tuple[str, str], Example] = {}
    pairs = []
    for example in examples:
        before = first.setdefault((example.language, example.text.casefold()), example)
        if before.intent != example.intent:
            pairs.append((before, example))
    return pairs
