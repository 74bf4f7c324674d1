"""Files as feeds leave them: CSV and JSON lines, read one record at a time; and the file of what was rejected."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from itertools import chain, islice, repeat
from pathlib import Path
from typing import IO

from engine.intake.parquet import count_of, records_of
from engine.intake.records import LONGEST, SLICE, FeedError, Record, faults_of
from engine.intake.rows import Columns

ANNOTATIONS = ("line", "reason")
"""Columns of a file of rejected rows. They are passed over, so that such a file can be corrected and imported."""

OTHER_MARKS = {";": "semicolons and commas", ",": "semicolons and commas", "\t": "tabs", "|": "bars"}
BLOCK = 1 << 18
"""Characters at a time, to the end of their line."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a CSV file, each a row, that can be cut at their marks as they are. `line` is the number of the first.

    They have as many cells as the header; there is no quote in them, no white space round a cell, no fault.
    """

    header: Sequence[str]
    mark: str
    line: int
    texts: Sequence[str]

    def records(self) -> Iterator[Record]:
        """The rows by column."""
        for line, text in enumerate(self.texts, self.line):
            yield Record(line, dict(zip(self.header, text.split(self.mark), strict=True)), {})


@dataclass(frozen=True, slots=True)
class Feed:
    """A file of records. It can be read several times; each reading starts at its top."""

    path: Path
    columns: Columns

    def layout(self) -> tuple[Sequence[str], str]:
        """The columns in the order of a CSV file and the mark between cells; else all columns. Raises FeedError."""
        if self._reader() is not _csv:
            return (*self.columns.required, *self.columns.optional), ","
        with self._opened() as file:
            return _header(self, file)

    def blocks(self) -> Iterator[Block | list[Record]]:
        """The rows in the order of the file, some at a time: as blocks where they are plain CSV, else as records.

        Raises FeedError as soon as the file shows to be unreadable.
        """
        reader = self._reader()
        with self._opened() as file:
            yield from reader(self, file)

    def records(self) -> Iterator[Record]:
        """The rows in the order of the file. Raises FeedError as soon as the file shows to be unreadable."""
        for block in self.blocks():
            yield from block.records() if isinstance(block, Block) else block

    def lines(self) -> int:
        """About how many rows there are, for a progress bar: line ends are counted, nothing is read."""
        if self._reader() is _parquet:
            return count_of(self.path)
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

    def check_columns(self, names: list[str], line: int) -> None:
        """Refuse a table that has other columns, lacks one that it must have, or has one twice."""
        self.check_names(names, line)
        for name in self.columns.required:
            if name not in names:
                raise FeedError(self.path, line, f"the column '{name}' is missing")
        for name in names:
            if names.count(name) > 1:
                raise FeedError(self.path, line, f"there are two columns '{name}'")

    def _reader(self) -> Reader:
        match self.path.suffix.lower():
            case ".csv":
                return _csv
            case ".jsonl" | ".ndjson":
                return _json_lines
            case ".parquet":
                return _parquet
            case _:
                remedy = "the name of the file must end in .csv, .jsonl, .ndjson or .parquet"
        raise FeedError(self.path, 0, remedy)

    @contextmanager
    def _opened(self) -> Iterator[IO[str]]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                yield file
        except OSError as error:
            raise FeedError(self.path, 0, f"cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise FeedError(self.path, self._broken_line(), "is not UTF-8 text; save the file as UTF-8") from error

    def _broken_line(self) -> int:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return number
        return 0


Reader = Callable[[Feed, IO[str]], Iterator[Block | list[Record]]]


def _csv(feed: Feed, file: IO[str]) -> Iterator[Block | list[Record]]:
    header, mark = _header(feed, file)
    line = 2
    while text := file.read(BLOCK):
        text += file.readline()
        block = _plain(header, mark, line, text)
        if block is not None:
            yield block
            line += len(block.texts)
            continue
        lines = _Lines(text, file)
        yield list(_rows(feed, header, mark, line, lines))
        line += lines.read


class _Lines:
    """The lines of a text, and of the file after it where a row goes on there; `read` are those that were given out."""

    def __init__(self, text: str, file: IO[str]) -> None:
        self._text, self._file, self._length = StringIO(text, newline=""), file, len(text)
        self.read, self.over = 0, False

    def __iter__(self) -> Iterator[str]:
        for line in chain(self._text, self._file):
            self.read += 1
            self.over = self._text.tell() == self._length
            yield line


def _rows(feed: Feed, header: Sequence[str], mark: str, begin: int, lines: _Lines) -> Iterator[Record]:
    """Rows of any kind, with what is wrong with them; the last one may end after the text that `lines` began with."""
    reader = csv.reader(lines, delimiter=mark, strict=True)
    line = begin
    try:
        for cells in reader:
            if len(cells) == len(header):
                stripped = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
                yield Record(line, stripped, faults_of(stripped))
            elif cells:
                fault = f"has {len(cells)} cells, and the header has {len(header)}"
                yield Record(line, dict(zip(header, cells, strict=False)), {"": fault})
            line = begin + reader.line_num
            if lines.over:
                return
    except csv.Error as error:
        raise FeedError(feed.path, line, f"is not CSV: {error}; a cell with a quote in it doubles the quote") from error


def _plain(header: Sequence[str], mark: str, line: int, text: str) -> Block | None:
    """The lines as a block, if they are fit for one: looked at together, for speed."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    texts = text.removesuffix("\n").split("\n")
    # What is printable holds no white space but blanks, and a line of LONGEST no longer cell.
    if not "".join(texts).isprintable() or '"' in text or "\\" in text or max(map(len, texts)) > LONGEST:
        return None
    if " " in text and any(pair in f"\n{text}\n" for pair in (f" {mark}", f"{mark} ", " \n", "\n ")):
        return None
    if set(map(str.count, texts, repeat(mark))) != {len(header) - 1}:
        return None
    return Block(header, mark, line, texts)


def _header(feed: Feed, file: IO[str]) -> tuple[list[str], str]:
    """The names of the columns, and the mark that divides cells."""
    first = file.readline()
    if not first.strip():
        raise FeedError(feed.path, 1, "the first line must name the columns, and it is empty")
    mark = ";" if first.count(";") > first.count(",") else ","
    header = [name.strip().lower() for name in next(csv.reader([first], delimiter=mark))]
    _check_header(feed, header)
    return header, mark


def _check_header(feed: Feed, header: list[str]) -> None:
    for mark, word in OTHER_MARKS.items():
        if any(mark in name for name in header):
            said = f"the columns are divided by {word}"
            raise FeedError(feed.path, 1, f"{said}; divide all of them by commas, or all of them by semicolons")
    feed.check_columns(header, 1)


def _json_lines(feed: Feed, file: IO[str]) -> Iterator[list[Record]]:
    read = _objects(feed, file)
    while records := list(islice(read, SLICE)):
        yield records


def _objects(feed: Feed, file: IO[str]) -> Iterator[Record]:
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
        yield Record(line, known, {**faults_of(known), **odd})


def _parquet(feed: Feed, _file: IO[str]) -> Iterator[list[Record]]:
    return records_of(feed.path, lambda names: feed.check_columns(names, 0))


def _text(value: object) -> str | None:
    """A JSON value as a cell: null is an empty one, a list of texts has its parts divided by commas."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    return "" if value is None else value if isinstance(value, str) else None


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
