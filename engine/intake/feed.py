"""Files as feeds leave them: CSV and JSON lines, read one record at a time; and the file of what was rejected."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.intake.rows import Columns

ANNOTATIONS = ("line", "reason")
"""Columns of a file of rejected rows. They are passed over, so that such a file can be corrected and imported."""

OTHER_MARKS = {";": "semicolons and commas", ",": "semicolons and commas", "\t": "tabs", "|": "bars"}
LONGEST = 500
UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class FeedError(ValueError):
    """The file cannot be read at all: which file and line, what is wrong, and what would be right."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")


@dataclass(frozen=True, slots=True)
class Record:
    """One row as text. `cells` lacks what the file does not state; `faults` says, by column, what is no cell at all."""

    line: int
    cells: Mapping[str, str]
    faults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Feed:
    """A file of records. It can be read several times; each reading starts at its top."""

    path: Path
    columns: Columns

    def records(self) -> Iterator[Record]:
        """The rows in the order of the file. Raises FeedError as soon as the file shows to be unreadable."""
        readers = {".csv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines}
        reader = readers.get(self.path.suffix.lower())
        if reader is None:
            raise FeedError(self.path, 0, self._remedy())
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                yield from reader(self, file)
        except OSError as error:
            raise FeedError(self.path, 0, f"cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise FeedError(self.path, self._broken_line(), "is not UTF-8 text; save the file as UTF-8") from error

    def lines(self) -> int:
        """About how many rows there are, for a progress bar: line ends are counted, nothing is read."""
        try:
            with self.path.open("rb") as file:
                return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        except OSError as error:
            raise FeedError(self.path, 0, f"cannot be read: {error.strerror}") from error

    def check_names(self, names: list[str], line: int) -> None:
        """Refuse, by name, a column that is not of this kind."""
        known = {*self.columns.required, *self.columns.optional, *ANNOTATIONS}
        for name in names:
            if name not in known:
                listed = ", ".join((*self.columns.required, *self.columns.optional))
                raise FeedError(self.path, line, f"unknown column '{name}'; the columns are: {listed}")

    def _remedy(self) -> str:
        if self.path.suffix.lower() == ".parquet":
            return "Parquet files cannot be read yet; export the table as CSV or JSON lines"
        return "the name of the file must end in .csv, .jsonl or .ndjson"

    def _broken_line(self) -> int:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return number
        return 0


def _csv(feed: Feed, file: IO[str]) -> Iterator[Record]:
    first = file.readline()
    if not first.strip():
        raise FeedError(feed.path, 1, "the first line must name the columns, and it is empty")
    mark = ";" if first.count(";") > first.count(",") else ","
    header = [name.strip().lower() for name in next(csv.reader([first], delimiter=mark))]
    _check_header(feed, header)
    rows = csv.reader(file, delimiter=mark, strict=True)
    line = 2
    try:
        for cells in rows:
            if len(cells) == len(header):
                stripped = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
                yield Record(line, stripped, _faults(stripped))
            elif cells:
                fault = f"has {len(cells)} cells, and the header has {len(header)}"
                yield Record(line, dict(zip(header, cells, strict=False)), {"": fault})
            line = rows.line_num + 2
    except csv.Error as error:
        raise FeedError(feed.path, line, f"is not CSV: {error}; a cell with a quote in it doubles the quote") from error


def _check_header(feed: Feed, header: list[str]) -> None:
    for mark, word in OTHER_MARKS.items():
        if any(mark in name for name in header):
            said = f"the columns are divided by {word}"
            raise FeedError(feed.path, 1, f"{said}; divide all of them by commas, or all of them by semicolons")
    feed.check_names(header, 1)
    for name in feed.columns.required:
        if name not in header:
            raise FeedError(feed.path, 1, f"the column '{name}' is missing")
    for name in header:
        if header.count(name) > 1:
            raise FeedError(feed.path, 1, f"there are two columns '{name}'")


def _json_lines(feed: Feed, file: IO[str]) -> Iterator[Record]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        except (json.JSONDecodeError, RecursionError):
            yield Record(line, {}, {"": "is not JSON; write one object a line"})
            continue
        if not isinstance(value, dict):
            yield Record(line, {}, {"": "is not a JSON object with the columns as its keys"})
            continue
        feed.check_names(list(value), line)
        cells = {name: _text(cell) for name, cell in value.items()}
        odd = {name: "is neither a text nor a number" for name, cell in cells.items() if cell is None}
        known = {name: cell.strip() for name, cell in cells.items() if cell is not None}
        yield Record(line, known, {**_faults(known), **odd})


def _text(value: object) -> str | None:
    """A JSON value as a cell: null is an empty one, a list of texts has its parts divided by commas."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    return "" if value is None else value if isinstance(value, str) else None


def _faults(cells: Mapping[str, str]) -> dict[str, str]:
    faults = {name: f"is longer than {LONGEST} characters" for name, cell in cells.items() if len(cell) > LONGEST}
    for name, cell in cells.items():
        if not cell.isprintable() and UNSTORABLE.search(cell):
            faults[name] = "holds a control character or half a character"
    return faults


def write_rejects(feed: Feed, reasons: Mapping[int, str], path: Path) -> None:
    """Write the rows of these lines as CSV, each with its line and the reason. Raises FeedError."""
    if path.resolve() == feed.path.resolve():
        raise FeedError(path, 0, "the rejected rows cannot go into the file they come from; name another one")
    rejected: list[Record] = []
    names: dict[str, None] = {}
    for record in feed.records():
        names |= dict.fromkeys(name for name in record.cells if name not in ANNOTATIONS)
        if record.line in reasons:
            rejected.append(record)
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*names, *ANNOTATIONS])
            for record in rejected:
                cells = [_writable(record.cells.get(name, "")) for name in names]
                writer.writerow([*cells, record.line, reasons[record.line]])
    except OSError as error:
        raise FeedError(path, 0, f"cannot be written: {error.strerror}") from error


def _writable(cell: str) -> str:
    return cell.encode("utf-8", "replace").decode()
