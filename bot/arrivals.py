"""What is new in the inbox: read, and taken up in the order in which each person said it, however many processes do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import text

from bot.hearing import Letter
from bot.statuses import STATUSES
from channels.incoming_mail import read_mail
from channels.incoming_telegram import Blocked, LanguageWanted, TelegramStart, read_update
from channels.one_click import read_one_click
from channels.port import Inbound
from channels.signatures import form_pairs
from channels.sms import read_sms
from dialogs.message import Chose
from engine.store.session import WriteSession

SMS, MAIL, PAYMENTS, TELEGRAM, ONE_CLICK = "twilio-sms", "mail", "payments", "telegram", "one-click"
MOST = 20
"""So many are handled in one transaction: whoever wrote is held as long as it lasts."""
LOOKS = 5
"""So often as many again are looked at where one person has written many: they come one after another."""

OLDEST = text("""
select id, provider, event, raw, tries from inbox
where state = 'new' and provider <> all(:reports) and (tries, id) > (:tries, :after)
order by tries, id limit :most for update skip locked
""")
"""Reports have their own way; whatever else is new, also what nobody can read, comes up here."""
EARLIER = text("""
select id, provider, event, raw, tries from inbox e
where state = 'new' and provider = any(:providers) and id < :last and id <> all(:taken) and exists (
  select from unnest(cast(:taken as bigint[]), cast(:tries as int[])) t(id, tries)
  where e.id < t.id and e.tries <= t.tries)
order by id
""")
"""Others hold these, or they would have come up first."""


class Event(Protocol):
    """A row of the inbox."""

    @property
    def id(self) -> int: ...
    @property
    def provider(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def tries(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A new event: how often its handling has failed, and who wrote it, empty where that cannot be told.

    `letter` is what it says where it can be handled together with others; None where it needs a way of its own.
    """

    number: int
    provider: str
    tries: int
    sender: str
    letter: Letter | None

    def precedes(self, other: Arrival) -> bool:
        """Whether the same person said this before the other, and it has not failed more often."""
        same = self.sender != "" and (self.provider, self.sender) == (other.provider, other.sender)
        return same and self.number < other.number and self.tries <= other.tries


def read_text(raw: bytes) -> Inbound:
    """An SMS. Raises Unreadable."""
    return read_sms(dict(form_pairs(raw)))


def told_by(provider: str, raw: bytes) -> object:
    """What people or programs say in an event; None where it is nothing, or of a kind that nobody says.

    Raises what its reader raises.
    """
    reader = READERS.get(provider)
    return reader(raw) if reader else None


async def arrivals(session: WriteSession) -> list[Arrival]:
    """The oldest of what is new and nobody handles, the next of each person. It is this transaction's from here on.

    Nothing is waited for: while an earlier one of a person is handled elsewhere, theirs is left to whoever comes next.
    An earlier one that has failed more often is tried again after it.
    """
    due: dict[tuple[str, str | int], Arrival] = {}
    seen: list[Event] = []
    for _ in range(LOOKS):
        behind = {"tries": seen[-1].tries, "after": seen[-1].id} if seen else {"tries": -1, "after": 0}
        rows = (await session.execute(OLDEST, {**behind, "reports": list(STATUSES), "most": MOST})).all()
        seen += rows
        elsewhere = await _elsewhere(session, seen) if rows else ()
        for one in map(_arrival, sorted(rows, key=lambda row: row.id)):
            if not any(other.precedes(one) for other in elsewhere):
                due.setdefault((one.provider, one.sender or one.number), one)
        if len(rows) < MOST or len(due) >= MOST:
            break
    return list(due.values())[:MOST]


async def _elsewhere(session: WriteSession, rows: Sequence[Event]) -> Sequence[Arrival]:
    """What came before some of these and is handled elsewhere."""
    asked = {
        "providers": sorted({row.provider for row in rows}),
        "last": max(row.id for row in rows),
        "taken": [row.id for row in rows],
        "tries": [row.tries for row in rows],
    }
    return [_arrival(row) for row in await session.execute(EARLIER, asked)]


def _arrival(row: Event) -> Arrival:
    told = _told(row.provider, row.raw)
    letter = None
    if isinstance(told, Inbound) and not told.unsubscribes and not isinstance(told.reply, Chose):
        letter = Letter(told, f"{row.provider}:{row.event}")
    return Arrival(row.id, row.provider, row.tries, _sender(told), letter)


def _told(provider: str, raw: bytes) -> object:
    """None also where it cannot be read."""
    try:
        return told_by(provider, raw)
    except Exception:  # noqa: BLE001 whatever it is, whoever handles it by itself will say why
        return None


def _sender(told: object) -> str:
    """Who wrote an SMS or a mail; the chat of what somebody wrote or pressed in Telegram."""
    if isinstance(told, Inbound):
        return told.sender
    return told.chat if isinstance(told, TelegramStart | LanguageWanted | Blocked) else ""


READERS: Mapping[str, Callable[[bytes], object]] = {
    SMS: read_text,
    MAIL: read_mail,
    TELEGRAM: read_update,
    ONE_CLICK: read_one_click,
}
