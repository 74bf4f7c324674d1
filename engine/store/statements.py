"""Statements written in SQL, as the driver takes them: without SQLAlchemy, which costs a third more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from sqlalchemy import TextClause, TextualSelect, TypeDecorator
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine.result import IteratorResult, Result, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

PREPARED = 1000
"""Statements a connection may hold prepared: more than there are."""
DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # it has no types


@dataclass(frozen=True, slots=True)
class Question:
    """A statement with its values numbered ($1, ...), their names in that order, and the columns of types of ours."""

    sql: str
    names: tuple[str, ...]
    typed: Mapping[str, TypeDecorator[Any]]

    def read(self, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows as the driver gives them, with values of those types in the places of what the store keeps."""
        if not self.typed:
            return rows
        readers = [self.typed.get(column) for column in columns]
        return [
            tuple(
                [
                    one.process_result_value(value, DIALECT) if one else value
                    for one, value in zip(readers, row, strict=True)
                ]
            )
            for row in rows
        ]


@lru_cache(maxsize=PREPARED)
def in_sql(statement: TextClause | TextualSelect) -> Question | None:
    """A statement as the driver takes it; None where types of ours have to be told of its values first."""
    text_, columns = (
        (statement.element, statement.column_args) if isinstance(statement, TextualSelect) else (statement, ())
    )
    compiled = text_.compile(dialect=DIALECT)
    if any(not isinstance(one.type, NullType) for one in compiled.binds.values()):
        return None
    typed = {column.name: column.type for column in columns if isinstance(column.type, TypeDecorator)}
    return Question(str(compiled), tuple(compiled.positiontup or ()), typed)


async def ask(connection: psycopg.AsyncConnection[Any], asked: Question, values: Mapping[str, Any]) -> Result[Any]:
    """What a statement tells, also while the connection is in a pipeline; there it must tell something."""
    cursor = await carry(connection, asked, values)
    try:
        rows = await cursor.fetchall() if connection.pgconn.pipeline_status else None
        told = cursor.pgresult
        if told is None or told.status != ExecStatus.TUPLES_OK:
            return IteratorResult(_named(()), iter(()))
        columns = tuple([(told.fname(place) or b"").decode() for place in range(told.nfields)])
        return IteratorResult(_named(columns), iter(asked.read(columns, rows or await cursor.fetchall())))
    except psycopg.Error as fault:
        raise _told_by(asked, fault) from fault


async def carry(
    connection: psycopg.AsyncConnection[Any], asked: Question, values: Mapping[str, Any]
) -> psycopg.AsyncRawCursor[Any]:
    """Have a statement carried out, prepared from the first time: planning it five times before its plan is kept costs
    more.
    """
    cursor = psycopg.AsyncRawCursor(connection)
    try:
        await cursor.execute(asked.sql, [values[name] for name in asked.names], prepare=True)
    except psycopg.Error as fault:
        raise _told_by(asked, fault) from fault
    return cursor


def _told_by(asked: Question, fault: psycopg.Error) -> BaseException:
    return DBAPIError.instance(asked.sql, None, fault, psycopg.Error, hide_parameters=True)


@lru_cache(maxsize=PREPARED)
def _named(columns: tuple[str, ...]) -> SimpleResultMetaData:
    return SimpleResultMetaData(columns)
