"""What the demo did, by channel: sent, delivered, received, promises, requests, payments, closed cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from engine.store.session import Database

COUNTS: Mapping[str, str] = {
    "sent": """
        select t.channel, count(distinct o.id) from outbound o join conversations t on t.id = o.conversation_id
        join attempts a on a.outbound_id = o.id
        where a.state in ('accepted', 'sent', 'delivered', 'read') group by 1""",
    "delivered": """
        select t.channel, count(*) from outbound o join conversations t on t.id = o.conversation_id
        where o.state in ('delivered', 'read') or (t.channel = 'email' and o.state = 'accepted') group by 1""",
    "received": """
        select t.channel, count(*) from messages m join conversations t on t.id = m.conversation_id
        where m.author = 'client' group by 1""",
    "promises": "select coalesce(channel, 'operator'), count(*) from promises group by 1",
    "installment requests": "select coalesce(channel, 'operator'), count(*) from installment_requests group by 1",
    "payments": """
        select coalesce(t.channel, p.source), count(*) from payments p
        left join checkouts c on p.ref = 'payments:' || c.provider_ref
        left join pay_links l on l.id = c.pay_link_id left join conversations t on t.id = l.conversation_id
        where p.status = 'confirmed' group by 1""",
    "closed cases": """
        select coalesce(last.channel, 'no contact'), count(*) from cases k
        left join lateral (
          select t.channel from contacts c join conversations t on t.contact_id = c.id
          where c.case_id = k.id order by t.id desc limit 1
        ) last on true
        where k.closed_at is not null group by 1""",
}

LEFT_OPEN: Mapping[str, str] = {
    "open cases": "select count(*) from cases where closed_at is null",
    "outcome unknown": "select count(*) from outbound where state = 'unknown'",
    "events parked": "select count(*) from inbox where state = 'parked'",
    "open tasks": "select count(*) from tasks where done_at is null",
    "orders unanswered": "select count(*) from service_orders where acknowledged_at is null",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts by column and channel, and what is left open."""

    columns: Mapping[str, Mapping[str, int]]
    left: Mapping[str, int]

    @property
    def channels(self) -> list[str]:
        """Every channel that has a count, those of talks first."""
        found = {channel for counts in self.columns.values() for channel in counts}
        return sorted(found, key=lambda channel: (channel not in self.columns["sent"], channel))

    def total(self, column: str) -> int:
        """The sum over all channels."""
        return sum(self.columns[column].values())


async def summarize(database: Database) -> Summary:
    """Count what is in the store."""
    async with database.read() as session:
        columns = {
            name: {str(channel): int(count) for channel, count in await session.execute(text(query))}
            for name, query in COUNTS.items()
        }
        left = {name: int(await session.scalar(text(query)) or 0) for name, query in LEFT_OPEN.items()}
    return Summary(columns, left)
