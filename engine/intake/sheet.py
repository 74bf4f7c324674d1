"""A file as it stands, in a temporary table of the store: a row for each record, every cell as text.

From there the rows that say nothing new are told from the others by sets, and only the others are read one by one.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from engine.intake.feed import Block, Feed
from engine.intake.records import SLICE, UNSTORABLE, Record
from engine.intake.stage import Unread

MOST_KEYS = 1_000_000
"""Of more keys than this no digests are held in memory to see whether one comes twice: the database is asked."""

NOT_STATED = "\\N"

TWICE = """
update sheet s set first = met.first from (
  select line, min(line) over (partition by {key}) as first from sheet
  where {key} <> '' and not coalesce(faults::jsonb ? '{key}', false)
) met where met.line = s.line and met.first <> s.line
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table `sheet` of a transaction, of so many rows.

    Its columns are `line`, `first` (a line before with the same key), `faults` (JSON by column) and the kind's own.
    """

    columns: tuple[str, ...]
    rows: int

    async def records(
        self, connection: psycopg.AsyncConnection[Any], unread: Unread
    ) -> AsyncGenerator[list[Record], None]:
        """The records that are to be read, in the order of the file, SLICE at a time."""
        asked = ("line", "faults", "first", *self.columns)
        cells = ", ".join(f's."{name}"' for name in asked)
        said = f"select {unread.wording}, {cells} from sheet s {unread.chosen} order by s.line"
        async with connection.cursor("sheet_rows") as cursor:
            await cursor.execute(said)
            while rows := await cursor.fetchmany(SLICE):
                yield [self._record(*row) for row in rows]

    def _record(
        self, wording: int | None, line: int, faults: str | None, first: int | None, *cells: str | None
    ) -> Record:
        stated = {name: cell for name, cell in zip(self.columns, cells, strict=True) if cell is not None}
        return Record(line, stated, json.loads(faults) if faults else {}, first, wording)


async def lay_out(cursor: psycopg.AsyncCursor[Any], feed: Feed, told: Callable[[int], None]) -> Sheet:
    """Copy a file into the sheet; `told` hears how many rows are in. Raises FeedError."""
    columns = (*feed.columns.required, *feed.columns.optional)
    listed = ", ".join(f'"{name}" text collate "C"' for name in columns)
    await cursor.execute("drop table if exists sheet")
    await cursor.execute(f"create temporary table sheet (line int, first int, faults text, {listed}) on commit drop")
    header, mark = feed.layout()
    names = header if set(header) <= set(columns) else columns
    listed = ", ".join(f'"{name}"' for name in ("line", "faults", *names))
    rows, keys = 0, set[int]()
    async with cursor.copy(f"copy sheet ({listed}) from stdin (delimiter '{mark}')") as copy:
        for block in feed.blocks():
            page = _page(block, names, mark)
            await copy.write("".join(page))
            rows += len(page)
            if rows <= MOST_KEYS:
                keys.update(map(hash, _keys(block, feed.columns.key)))
            else:
                keys.clear()
            told(rows)
    if len(keys) < rows:
        await cursor.execute(TWICE.format(key=feed.columns.key))
    return Sheet(columns, rows)


def _page(block: Block | list[Record], names: Sequence[str], mark: str) -> list[str]:
    """Rows in the text format of COPY, whose cells are divided by `mark`."""
    if isinstance(block, Block) and block.header == names:
        return [f"{line}{mark}\\N{mark}{text}\n" for line, text in enumerate(block.texts, block.line)]
    return [_written(record, names, mark) for record in (block if isinstance(block, list) else block.records())]


def _keys(block: Block | list[Record], key: str) -> Iterable[str]:
    """What identifies each row."""
    if isinstance(block, list):
        return [record.cells.get(key, "") for record in block]
    mark, at = block.mark, block.header.index(key)
    if at == 0:
        return [text.partition(mark)[0] for text in block.texts]
    return [text.split(mark, at + 1)[at] for text in block.texts]


def _written(record: Record, names: Iterable[str], mark: str) -> str:
    faults = json.dumps(record.faults) if record.faults else None
    cells = (record.cells.get(name) for name in names)
    return mark.join((str(record.line), *(_cell(cell, mark) for cell in (faults, *cells)))) + "\n"


def _cell(cell: str | None, mark: str) -> str:
    """What the database can keep of a cell; where that is less than the cell, the record's faults say so."""
    if cell is None:
        return NOT_STATED
    kept = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", cell.replace("\\", "\\\\"))
    return kept.replace(mark, f"\\{mark}")
