"""The one place that opens sessions and commits. What a request, a tick step or a claimed item writes is one unit."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import psycopg
from sqlalchemy import TextClause, TextualSelect, event, func, make_url, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

from engine.store.arrays import numbers, take_arrays
from engine.store.pool import SteadyPool
from engine.store.statements import PREPARED, ask, carry, in_sql

PLAN_TEXTS, EDITION = "plan texts", "edition"
RECYCLED = 1800
"""Seconds after which a connection is replaced: what has long been idle may have been cut off unnoticed."""
Writer = Callable[["WriteSession", Sequence[Any]], Awaitable[None]]
"""What writes rows of a kind, many at a time."""
STEADY = "steady"
"""What is known of a connection on which `engine.store.steady` has settings of its own, until they are taken back."""
LOCK = text("select id from clients where id = any(:clients) order by id for no key update")


class ReadSession(AsyncSession):
    """A session that reads. What only reads asks for this type, and nothing it does can write.

    What is written in SQL goes straight to the driver, which costs a third; of such a statement it is not known how
    many rows it has changed.
    """

    _begun: SessionTransaction | None = None
    _raw: psycopg.AsyncConnection[Any]

    async def driver(self) -> psycopg.AsyncConnection[Any]:
        """The psycopg connection of this session's transaction; see `driver`."""
        if self._begun is None or self.sync_session.get_transaction() is not self._begun:
            connection = await self.connection()
            raw = await connection.get_raw_connection()
            self._raw = cast("psycopg.AsyncConnection[Any]", raw.driver_connection)
            await self._forget_plans(connection)
            self._begun = self.sync_session.get_transaction()
        return self._raw

    async def _forget_plans(self, connection: AsyncConnection) -> None:
        """Those, also of foreign keys, that are older than the tables they are for have become."""
        (edition,) = self.info[EDITION]
        if connection.info.setdefault(EDITION, edition) != edition:
            await self._raw.execute("discard plans")
            connection.info[EDITION] = edition

    async def flushed(self) -> None:
        """Write what is waiting to be, as SQLAlchemy does before it asks anything."""
        if self.autoflush and self.waits:
            await self.flush()

    @property
    def waits(self) -> bool:
        """Whether anything is to be written yet."""
        return bool(self.new or self.dirty or self.deleted)

    if not TYPE_CHECKING:  # the types stay those of SQLAlchemy

        async def execute(self, statement, params=None, **options):
            sql = in_sql(statement) if isinstance(statement, TextClause | TextualSelect) else None
            await self.flushed()
            if sql is None:
                return await super().execute(statement, params, **options)
            return await ask(await self.driver(), sql, params or {})

        async def scalar(self, statement, params=None, **options):
            if isinstance(statement, TextClause | TextualSelect):
                return (await self.execute(statement, params)).scalar()
            await self.flushed()
            return await super().scalar(statement, params, **options)

        async def scalars(self, statement, params=None, **options):
            if isinstance(statement, TextClause | TextualSelect):
                return (await self.execute(statement, params)).scalars()
            await self.flushed()
            return await super().scalars(statement, params, **options)


class WriteSession(ReadSession):
    """A session whose transaction is committed when its block ends well, and rolled back when it does not."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._gathered = defaultdict[Writer, list[Any]](list)

    @property
    def waits(self) -> bool:
        return super().waits or bool(self._gathered)

    def gather(self, write: Writer, row: Any) -> None:
        """Have a row written, by `write`, with all others that are gathered for it: as soon as anything is flushed."""
        self._gathered[write].append(row)

    async def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is waiting: first SQLAlchemy's rows, for others may need their numbers."""
        if super().waits:
            await super().flush(objects)
        gathered, self._gathered = self._gathered, defaultdict(list)
        for write, rows in gathered.items():
            await write(self, rows)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that can fail by itself, with all that was to be written in it."""
        await self.flush()
        async with self.begin_nested():
            try:
                yield
                await self.flush()
            except BaseException:
                self._gathered.clear()
                raise

    async def send(self, statement: TextClause, values: Mapping[str, Any]) -> None:
        """Have a statement carried out of which nothing is to be known: while `pipelined`, nothing is waited for."""
        sql = in_sql(statement)
        if sql is None:
            raise TypeError("values of our own types are told by execute")
        await self.flushed()
        await carry(await self.driver(), sql, values)


class Database:
    """Access to one PostgreSQL database. `url` is a SQLAlchemy URL for psycopg 3.

    At most four times `pool` connections are open at once, half of them for reading. Once opened they stay open: a new
    one would have to plan everything anew, which costs far more than it holds.
    """

    def __init__(self, url: str, *, pool: int = 5) -> None:
        self.url = url
        self._writer, self._reader = _engine(url, pool), _engine(url, pool, reading=True)
        self._edition = [0]  # one for all sessions, which copy what `kept` holds
        self.planned_for: Mapping[str, int] = {}
        # What never changes in a database, such as a plan's version, sessions may keep here for one another.
        kept: dict[str, Any] = {PLAN_TEXTS: {}, EDITION: self._edition}
        self._read = async_sessionmaker(self._reader, class_=ReadSession, expire_on_commit=False, info=kept)
        self._write = async_sessionmaker(self._writer, class_=WriteSession, expire_on_commit=False, info=kept)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """A session of statements that read, each what is committed when it begins."""
        async with self._read() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """A transaction that commits when the block ends without an error."""
        async with self._write.begin() as session:
            yield session
            if session.waits:
                await session.flush()

    def plan_anew(self, sizes: Mapping[str, int]) -> None:
        """Have every connection, as soon as it is used again, plan its statements anew: for tables of these `sizes`.

        What suits a small table is slow in a large one.
        """
        self._edition[0] += 1
        self.planned_for = sizes

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """An autocommit connection of its own that listens on `channel`: a pooled one would lose notifications."""
        plain = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
            await connection.execute(f'listen "{channel}"')
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()


def _engine(url: str, pool: int, *, reading: bool = False) -> AsyncEngine:
    """Connections; those for `reading` commit each statement by itself, and the server refuses what would write.

    psycopg forgets every prepared statement at a rollback, and PostgreSQL would plan each anew: reading in
    transactions, which end by a rollback, cost more in plans than in answers.
    """
    isolation = "AUTOCOMMIT" if reading else "READ COMMITTED"
    engine = create_async_engine(
        url,
        pool_size=2 * pool,
        max_overflow=0,
        poolclass=SteadyPool,
        pool_recycle=RECYCLED,
        hide_parameters=True,
        isolation_level=isolation,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.driver_connection.prepared_max = PREPARED
        take_arrays(connection.driver_connection)
        if reading:
            connection.cursor().execute("set default_transaction_read_only = on")

    @event.listens_for(engine.sync_engine, "checkin")
    def give_back(connection: Any, record: ConnectionPoolEntry) -> None:
        if connection is None:
            return
        if connection.driver_connection.pgconn.pipeline_status or STEADY in record.info:
            record.invalidate()  # somebody was cut off in the middle

    return engine


@asynccontextmanager
async def pipelined(session: ReadSession) -> AsyncIterator[None]:
    """What the block has carried out goes to the database at once, and waits for it only where an answer is wanted.

    A fault may come up at a later statement, or at the end of the block. COPY is not possible in it, nor is a statement
    that SQLAlchemy carries out itself. What is prepared is so from its first time: of one that becomes so later, behind
    a fault, the driver never hears that it did not, and only a rollback makes it forget.
    """
    await session.flushed()  # SQLAlchemy waits for each of its statements
    connection = await session.driver()
    async with connection.pipeline():
        yield


async def at_once(session: ReadSession, *reading: Coroutine[Any, Any, Any]) -> list[Any]:
    """What several questions, each asked by a coroutine of its own, come to; they go to the database together.

    Like all that is `pipelined` they are in SQL or the driver's. The first fault is raised that is no other's doing.
    """
    try:
        connection = await session.driver()
    except BaseException:
        for one in reading:
            one.close()
        raise
    async with nullcontext() if connection.pgconn.pipeline_status else pipelined(session):
        found = await asyncio.gather(*reading, return_exceptions=True)
    if faults := [one for one in found if isinstance(one, BaseException)]:
        raise min(faults, key=_follows)
    return found


def _follows(fault: BaseException) -> bool:
    """Whether it may be no more than what another fault has done to the rest of a pipeline."""
    origin = (isinstance(fault, StatementError) and fault.orig) or fault
    return isinstance(origin, psycopg.Error) and origin.sqlstate is None


async def lock_clients(session: WriteSession, clients: Sequence[int]) -> None:
    """Hold these clients' money and cases for this transaction. In id order, so that two holders never deadlock."""
    await session.send(LOCK, {"clients": numbers(clients)})


async def lease(session: ReadSession, seconds: float) -> datetime:
    """The moment `seconds` from now on the database's clock: leases never depend on a worker's own."""
    until = await session.scalar(select(func.now() + timedelta(seconds=seconds)))
    return cast("datetime", until)


async def copy_in(
    cursor: psycopg.AsyncCursor[Any], table: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Add rows to a table by binary COPY; `types` are those of its columns, by name."""
    async with cursor.copy(f"copy {table} from stdin (format binary)") as copy:
        copy.set_types(types)
        for row in rows:
            await copy.write_row(row)


async def driver(session: ReadSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection of this session's transaction, for COPY and for what is asked in its own binary form."""
    return await session.driver()
