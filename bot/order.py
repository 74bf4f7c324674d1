"""Replies of one person are handled in the order in which they came, however many processes handle what came in."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from channels.incoming_mail import read_mail
from channels.incoming_telegram import read_update
from channels.port import Inbound
from channels.signatures import form_pairs
from engine.store.session import WriteSession
from engine.store.tables.talk import InboxEvent

EARLIER = text("""
select id, raw from inbox where state = 'new' and provider = :provider and id < :id order by id limit 200
""")
HANDLED = text("select id from inbox where id = any(:earlier) order by id for share")


SenderOf = Callable[[bytes], str]


def sms_sender(raw: bytes) -> str:
    """Who wrote an SMS."""
    return dict(form_pairs(raw)).get("From", "")


def chat_of(raw: bytes) -> str:
    """The chat of what somebody wrote or pressed in Telegram."""
    told = read_update(raw)
    return told.sender if isinstance(told, Inbound) else told.chat if told else ""


def mail_sender(raw: bytes) -> str:
    """Who wrote a mail."""
    told = read_mail(raw)
    return told.sender if isinstance(told, Inbound) else ""


async def await_turn(session: WriteSession, row: InboxEvent, sender_of: SenderOf) -> None:
    """Wait until whoever handles an earlier message of the same sender has done so.

    An earlier one that failed and is to be tried again is not waited for. Nobody waits for a later one, so nobody waits
    in a circle: the caller has locked nothing but its own row.
    """
    earlier = (await session.execute(EARLIER, {"provider": row.provider, "id": row.id})).all()
    sender = _sender(row.raw, sender_of) if earlier else ""
    theirs = [number for number, raw in earlier if sender and _sender(raw, sender_of) == sender]
    if theirs:
        await session.execute(HANDLED, {"earlier": theirs})


def _sender(raw: bytes, sender_of: SenderOf) -> str:
    """Empty where it cannot be told: whoever handles it will say why."""
    try:
        return sender_of(raw)
    except ValueError:
        return ""
