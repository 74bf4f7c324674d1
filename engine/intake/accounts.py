"""Accounts as a feed gives them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.intake.rows import AccountRow
from engine.intake.stage import Cursor, Taken, Taking, Unread, all_placed, fill, import_alone, lay, lock
from engine.store.session import WriteSession

ACCOUNTS = {
    "ref": "text",
    "client": "text",
    "provider": "text",
    "service": "text",
    "currency": "text",
    "status": "text",
}

ORPHAN = """
select i.ref, i.client || ' in ' || i.currency from incoming_accounts i
left join clients c on c.ref = i.client left join accounts a on a.ref = i.ref
where c.id is null or a.client_id <> c.id or a.currency <> i.currency
"""

UPDATE = """
update accounts a set provider = i.provider, service = i.service, status = coalesce(i.status, a.status)
from incoming_accounts i
where a.ref = i.ref
  and (a.provider, a.service, a.status) <> (i.provider, i.service, coalesce(i.status, a.status))
"""

INSERT = """
insert into accounts (ref, client_id, provider, service, currency, status)
select i.ref, c.id, i.provider, i.service, i.currency, coalesce(i.status, 'active')
from incoming_accounts i join clients c on c.ref = i.client
where not exists (select from accounts a where a.ref = i.ref)
"""


NEWS = """
left join accounts a on a.ref = s.account left join clients c on c.id = a.client_id
where (
  s.faults is null and s.first is null
  and (c.ref, a.provider, a.service, a.currency) = (s.client, s.provider, s.service, s.currency)
  and coalesce(s.status, '') in ('', a.status)
) is not true
"""
"""The rows of the sheet but for those that say, letter by letter, what is stored."""


class Accounts(Taking[AccountRow]):
    """The accounts of one import."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def gather(self, rows: Sequence[AccountRow]) -> None:
        """Add rows."""
        listed = ((row.account, row.client, row.provider, row.service, row.currency, row.status) for row in rows)
        await fill(self._cursor, "incoming_accounts", ACCOUNTS, listed)

    async def sift(self) -> Unread:
        """Which rows of the sheet are to be read: those that are not stored already."""
        return Unread(NEWS)

    async def write(self) -> Taken:
        """Open accounts and update those that are there. Raises UnknownOwner."""
        await self._cursor.execute("analyze incoming_accounts")
        await all_placed(self._cursor, ORPHAN)
        await lock(self._cursor, "select c.id from incoming_accounts i join clients c on c.ref = i.client")
        changed = (await self._cursor.execute(UPDATE)).rowcount
        added = (await self._cursor.execute(INSERT)).rowcount
        return Taken(added, changed)


async def accounts(session: WriteSession) -> Accounts:
    """A taking of accounts, empty. No other transaction imports until this one ends."""
    cursor = await import_alone(session)
    await lay(cursor, "incoming_accounts", ACCOUNTS)
    return Accounts(cursor)
