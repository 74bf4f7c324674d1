"""What is new in the inbox: read, and taken up in the order in which each person said it, however many processes do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
"""So many are taken up in one transaction: whoever wrote is held as long as it lasts, and for so many nothing has to be
copied into tables (`engine.store.decisions.FEW`)."""

OLDEST = text("""
select id, provider, event, raw, tries from inbox where state = 'new' and provider <> all(:reports)
order by tries, id limit :most for update skip locked
""")
"""Reports have their own way; whatever else is new, also what nobody can read, comes up here."""
EARLIER = text("""
select id, provider, raw, tries from inbox
where state = 'new' and provider = any(:providers) and id < :last and id <> all(:taken) order by id
""")


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
    rows = (await session.execute(OLDEST, {"reports": list(STATUSES), "most": MOST})).all()
    if not rows:
        return []
    asked = {"providers": sorted({row.provider for row in rows}), "last": max(row.id for row in rows)}
    others = await session.execute(EARLIER, {**asked, "taken": [row.id for row in rows]})
    handled = [(row.provider, _sender(_told(row.provider, row.raw)), row.id, row.tries) for row in others]
    due: dict[tuple[str, str | int], Arrival] = {}
    for row in sorted(rows, key=lambda row: row.id):
        one = _arrival(row)
        if one.sender and any(
            (provider, sender) == (one.provider, one.sender) and number < one.number and tries <= one.tries
            for provider, sender, number, tries in handled
        ):
            continue
        due.setdefault((one.provider, one.sender or one.number), one)
    return list(due.values())


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
