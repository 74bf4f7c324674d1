"""Replies as people write them, with what they want: `examples/<language>.tsv`, edited by hand or by an admin.

A deployment lays examples of its own over the packaged ones: an equal text means what the deployment says.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dialogs.reading.reading import LANGUAGES, Intent

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


def laid_over(examples: tuple[Example, ...], own: tuple[Example, ...]) -> tuple[Example, ...]:
    """The examples, with a deployment's own in place of equal texts and behind the others."""
    given = {(example.language, example.text.casefold()) for example in own}
    return (*(example for example in examples if (example.language, example.text.casefold()) not in given), *own)


def read_examples(path: Path) -> Iterator[Example]:
    """The examples of one file, its language being the file's name. Raises BadExample."""
    if path.stem not in LANGUAGES:
        raise BadExample(f"{path}: '{path.stem}' is no language of the product; name the file {LANGUAGES[0]}.tsv")
    first: dict[str, tuple[int, Example]] = {}
    for number, row in _rows(path):
        try:
            example = Example(path.stem, Intent(row["intent"]), row["text"] or "")
        except ValueError as error:
            raise BadExample(f"{path}:{number}: {error}; the intents are {', '.join(Intent)}") from error
        if not example.text.strip():
            raise BadExample(f"{path}:{number}: the text is missing; write intent, tab, text")
        line, before = first.setdefault(example.text.casefold(), (number, example))
        if before.intent != example.intent:
            raise BadExample(f"{path}:{number}: the same text is {before.intent} in line {line}; leave one of them")
        yield example


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a file, each with the number of its line."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise BadExample(f"{path}:1: the columns are {', '.join(COLUMNS)}, with a tab between")
            for row in reader:
                if None in row:
                    raise BadExample(f"{path}:{reader.line_num}: there is a tab too many; a text has none")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadExample(f"{path}: cannot be read as a table in UTF-8: {error}") from error
