"""Accounts as a feed gives them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.intake.rows import AccountRow
from engine.intake.stage import Taken, all_placed, import_alone, lock, stage
from engine.store.session import WriteSession, driver

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


async def take_accounts(session: WriteSession, rows: Sequence[AccountRow]) -> Taken:
    """Open accounts and update those that are there. Raises UnknownOwner."""
    await import_alone(session)
    connection = await driver(session)
    async with connection.cursor() as cursor:
        await stage(
            cursor,
            "incoming_accounts",
            ACCOUNTS,
            ((row.account, row.client, row.provider, row.service, row.currency, row.status) for row in rows),
        )
        await all_placed(cursor, ORPHAN)
        await lock(cursor, "select c.id from incoming_accounts i join clients c on c.ref = i.client")
        changed = (await cursor.execute(UPDATE)).rowcount
        added = (await cursor.execute(INSERT)).rowcount
    return Taken(added, changed, len(rows) - added - changed)
