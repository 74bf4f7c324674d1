"""Invoices as a feed gives them, booked in the ledger: what was billed, and what of it was settled elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.intake.rows import InvoiceRow
from engine.intake.stage import Cursor, Taken, Taking, Unread, all_placed, fill, import_alone, lay, lock
from engine.ledger import settle_credit
from engine.store.feed import unmarked
from engine.store.session import WriteSession
from engine.store.tables.ledger import EntryKind

INVOICES = {
    "ref": "text",
    "account": "text",
    "currency": "text",
    "issued": "date",
    "due": "date",
    "amount": "int8",
    "balance": "int8",
    "wording": "int8",
}
BALANCES = {"invoice": "int8", "balance": "int8"}

SAID = ("s.account", "s.issued", "s.due", "s.amount", "coalesce(s.currency, '')")
WORDING = "hashtextextended(" + " || E'\\x1f' || ".join(SAID) + ", 0)"
"""The digest of what a row says of a bill, letter by letter, save for its balance: what of it never changes."""

SIFT = f"""
create temporary table news on commit drop as
select line, id, case when balance = trunc(balance) and balance between 0 and amount then balance::bigint end as balance
from (
  select line, id, amount, stood,
         case when id is null then null
              when coalesce(said, '') = '' then stood
              when said = billed then amount
              when said ~ '^[0-9]{{1,9}}([.][0-9]{{1,3}})?$' then said::numeric * amount / billed::numeric
         end as balance
  from (
    select s.line, s.amount as billed, s.balance as said, v.id, v.amount, v.balance as stood
    from (
      select line, invoice, amount, balance, case when faults is null and first is null then {WORDING} end as wording
      from sheet s offset 0
    ) s left join invoices v on v.ref = s.invoice and v.balance > 0 and (v.wording = s.wording) is true
    where (s.balance = s.amount and v.balance = v.amount) is not true
    offset 0
  ) other
  offset 0
) told
where balance is distinct from stood or id is null
"""
"""The rows that say anything new: of bills that are as they were only the balance, in minor units. Where that is null
too the row has to be read. A bill known by its wording was read before, so that its amount is a number and gives the
scale of the currency; as many digits as are let through come out exact.

Each `offset 0` ends a step: what is read of the sheet is cut short before it is joined, and the sums are worked out
once, of the few rows that are left. The join is by the number alone (`is true`): two keys cost more than they gain."""

TO_READ = "join news on news.line = s.line and news.balance is null"
NEW_BALANCES = "insert into incoming_balances select id, balance from news where balance is not null order by id"

ORPHAN = """
select i.ref, i.account || ' in ' || i.currency from incoming_invoices i left join accounts a on a.ref = i.account
where a.id is null or a.currency <> i.currency
"""

OWNERS = """
select a.client_id from incoming_invoices i join accounts a on a.ref = i.account
union select v.client_id from incoming_balances b
cross join lateral (select client_id from invoices where id = b.invoice offset 0) v
"""

KNOWN_BALANCES = """
insert into incoming_balances
select v.id, i.balance from incoming_invoices i join invoices v on v.ref = i.ref where i.balance is not null
"""

CORRECT = """
insert into ledger_entries (at, client_id, currency, invoice_id, kind, amount)
select %(now)s, v.client_id, a.currency, v.id, 'prior', b.balance - v.balance
from incoming_balances b
cross join lateral (select id, client_id, account_id, balance from invoices where id = b.invoice offset 0) v
cross join lateral (select currency from accounts where id = v.account_id offset 0) a
where b.balance < v.balance or b.balance > v.balance and not exists (
  select from (
    select id, sum(amount) over (order by id) as stood,
           max(id) filter (where kind in ('charge', 'prior')) over () as last_word
    from ledger_entries where invoice_id = v.id
  ) history
  where id >= last_word and stood = b.balance
)
returning client_id, kind, amount
"""
"""What is looked up is few of many, and said so by `offset 0`: planners like to read all of it.

A balance the ledger has passed since the feed last changed it is not news: the feed has yet to hear of what was
paid since, and nobody may be chased again for what they paid."""

BILL = """
with billed as (
  insert into invoices (ref, client_id, account_id, issued, due, amount, wording)
  select i.ref, a.client_id, a.id, i.issued, i.due, i.amount, i.wording
  from incoming_invoices i join accounts a on a.ref = i.account
  where not exists (select from invoices v where v.ref = i.ref)
  order by a.client_id
  returning id, ref, client_id, amount
)
insert into ledger_entries (at, client_id, currency, invoice_id, kind, amount)
select %(now)s, b.client_id, i.currency, b.id, part.kind, part.amount
from billed b join incoming_invoices i on i.ref = b.ref
cross join lateral (values ('charge', b.amount), ('prior', i.balance - b.amount)) part (kind, amount)
where part.amount <> 0
returning client_id, kind, amount
"""

REWORD = """
update invoices v set wording = i.wording from incoming_invoices i
where v.ref = i.ref and i.wording is not null and v.wording is distinct from i.wording
"""

IN_CREDIT = """
select distinct credit.client_id from credits credit
where credit.amount > 0 and credit.client_id = any(%s) and exists (
  select from invoices i join accounts a on a.id = i.account_id
  where i.client_id = credit.client_id and a.currency = credit.currency and i.balance > 0 and i.due <= %s
)
order by client_id
"""
"""Those of some clients who have money in credit and owe something that is due by a day."""


class Bills(Taking[InvoiceRow]):
    """The invoices of one import."""

    def __init__(self, session: WriteSession, cursor: Cursor, now: datetime) -> None:
        self._session, self._cursor, self._now = session, cursor, now

    async def gather(self, rows: Sequence[InvoiceRow]) -> None:
        """Add rows."""
        await fill(self._cursor, "incoming_invoices", INVOICES, map(_staged, rows))

    async def sift(self) -> Unread:
        """Gather the new balances of known bills. Bills that are new, or worded anew, are to be read."""
        await self._cursor.execute(SIFT)
        await self._cursor.execute(NEW_BALANCES)
        return Unread(TO_READ, WORDING)

    async def write(self) -> Taken:
        """Bill what is new, and bring the balances of what is known to what the feed says. Raises UnknownOwner.

        A feed that lags behind payments booked here does not undo them: see CORRECT.
        What a client has in credit settles at once what is due by now.
        """
        cursor = self._cursor
        await cursor.execute("analyze incoming_invoices")
        await all_placed(cursor, ORPHAN)
        await cursor.execute(KNOWN_BALANCES)
        await cursor.execute("analyze incoming_balances")
        await lock(cursor, OWNERS)
        await self._reword()
        corrected = await self._booked(CORRECT)
        billed = await self._booked(BILL)
        await self._settle(sorted({client for client, _, amount in (*corrected, *billed) if amount > 0}))
        touched = sorted({client for client, _, _ in (*corrected, *billed)})
        return Taken(sum(kind == EntryKind.CHARGE for _, kind, _ in billed), len(corrected), tuple(touched))

    async def _booked(self, statement: str) -> list[tuple[int, str, int]]:
        """The client, the kind and the amount of each entry that a statement books."""
        await self._cursor.execute(statement, {"now": self._now})
        return await self._cursor.fetchall()

    async def _settle(self, owing_more: list[int]) -> None:
        """Let these clients' credit settle what is due."""
        tomorrow = self._now.date() + timedelta(days=1)  # where it is tomorrow already, that is due by now
        await self._cursor.execute(IN_CREDIT, (owing_more, tomorrow))
        for (client,) in await self._cursor.fetchall():
            await settle_credit(self._session, client, self._now)

    async def _reword(self) -> None:
        """Note how the feed words known bills now. That is no new fact about their clients."""
        async with unmarked(self._cursor):
            await self._cursor.execute(REWORD)


async def invoices(session: WriteSession, now: datetime) -> Bills:
    """A taking of invoices, empty. No other transaction imports until this one ends."""
    cursor = await import_alone(session)
    await lay(cursor, "incoming_invoices", INVOICES)
    await lay(cursor, "incoming_balances", BALANCES)
    return Bills(session, cursor, now)


def _staged(row: InvoiceRow) -> tuple[Any, ...]:
    balance = None if row.balance is None else row.balance.minor
    minor, currency = row.amount.minor, row.amount.currency
    return row.invoice, row.account, currency, row.issued, row.due, minor, balance, row.wording
