"""A run goes through the clients it looks at in slices; wherever their ids lie, everybody is decided for once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import text

from engine.calendar import AnyHour
from engine.daily import decide_day
from engine.full_run import WIDTH, decide_all
from engine.store.facts import slices
from engine.store.runs import Tally, note_slice
from engine.store.session import Database

HOURS = AnyHour()
NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
FAR = 3_000_000_000
"""More clients than a 32-bit number counts."""


async def given_debtors(database: Database, ids: Sequence[int]) -> None:
    """Clients of these ids, each to be reminded today."""
    async with database.write() as session:
        await given_plans(session)
        for number in ids:
            await session.execute(
                text("select setval(pg_get_serial_sequence('clients', 'id'), :n, false)"), {"n": number}
            )
            assert await given_client(session, f"c{number}") == number
            await given_invoice(session, number, f"I{number}", "100", date(2026, 3, 1), account=f"A{number}")


async def contacted(database: Database) -> list[int]:
    async with database.read() as session:
        return list(await session.scalars(text("select client_id from contacts order by client_id")))


@pytest.mark.parametrize("width", [1, 2, 7, 14, WIDTH])
async def test_gaps_and_edges_leave_nobody_out(database: Database, width: int) -> None:
    ids = [1, 2, 6, 7, 8, 99, 100, 101, WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH, FAR - 1, FAR]
    await given_debtors(database, ids)
    passed: list[tuple[int, int]] = []
    tally = await decide_all(database, NOW, HOURS, lambda done, total: passed.append((done, total)), width=width)
    assert (tally.clients, tally.changes["contact"]) == (len(ids), len(ids))
    assert await contacted(database) == ids
    assert passed == sorted(set(passed)), "progress only grows"
    assert passed[-1] == (len(ids), len(ids))
    again = await decide_all(database, NOW, HOURS, width=width, everybody=True)
    assert (again.clients, sum(again.changes.values())) == (len(ids), 0)


async def test_slices_are_of_one_size_whatever_the_ids(database: Database) -> None:
    await given_debtors(database, [5, 25, 26, 40, FAR])
    async with database.read() as session:
        assert await slices(session, NOW, 2) == [[5, 25], [26, 40], [FAR]]
        assert await slices(session, NOW, 2, 25) == [[26, 40], [FAR]]


async def test_few_are_parted_among_those_who_work_abreast(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.store.facts.LEAST", 2)
    await given_debtors(database, [1, 2, 3, 4, 5, 6, 7])
    async with database.read() as session:
        assert await slices(session, NOW, WIDTH, abreast=3) == [[1, 2, 3], [4, 5, 6], [7]]
        assert await slices(session, NOW, WIDTH, 4, abreast=3) == [[5, 6], [7]], "of no less than LEAST"
        assert await slices(session, NOW, 2, abreast=3) == [[1, 2], [3, 4], [5, 6], [7]], (
            "and of no more than asked for"
        )


async def test_who_owes_nothing_yet_is_in_no_slice(database: Database) -> None:
    await given_debtors(database, [1, 2, 3])
    async with database.write() as session:
        await session.execute(
            text("update invoices set due = '2026-04-01', issued = '2026-03-01' where client_id <> 3")
        )
    tally = await decide_day(database, NOW.date(), NOW, HOURS, width=1)
    assert tally is not None
    assert (tally.clients, await contacted(database)) == (1, [3])
    async with database.read() as session:
        noted = await session.execute(text("select through, clients from run_slices order by through"))
        assert [tuple(row) for row in noted] == [(3, 1)]


async def test_a_run_goes_on_behind_the_last_slice_it_has_noted(database: Database) -> None:
    await given_debtors(database, [1, 2, 3])
    async with database.write() as session:
        await note_slice(session, "decide", NOW.date(), 2, Tally(2, {"contact": 2}, 1, 0.1), NOW)
    tally = await decide_day(database, NOW.date(), NOW, HOURS, width=1)
    assert tally is not None
    assert (tally.clients, tally.changes["contact"], await contacted(database)) == (3, 3, [3])


async def test_a_base_without_clients_is_decided_for_at_once(database: Database) -> None:
    passed: list[int] = []
    tally = await decide_all(database, NOW, HOURS, lambda done, _: passed.append(done))
    assert (tally.clients, sum(tally.changes.values()), tally.batches, passed) == (0, 0, 0, [])
    assert await decide_day(database, NOW.date(), NOW, HOURS) is not None
    assert await decide_day(database, NOW.date(), NOW, HOURS) is None


async def test_a_client_who_joins_on_the_day_of_a_finished_run_is_taken_by_the_next(database: Database) -> None:
    await given_debtors(database, [1])
    await decide_day(database, NOW.date(), NOW, HOURS)
    async with database.write() as session:
        dan = await given_client(session, "dan")
        await given_invoice(session, dan, "I9", "100", date(2026, 3, 1), account="A9")
    tomorrow = NOW.replace(day=12)
    await decide_day(database, tomorrow.date(), tomorrow, HOURS)
    assert await contacted(database) == [1, dan]
