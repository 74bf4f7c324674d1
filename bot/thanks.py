"""Thanking for a payment, where the client was given the link to pay."""

from __future__ import annotations

from datetime import datetime

from bot.application import Application
from bot.pay.booking import PaidOutcome
from bot.situation import Situations
from bot.speaking import answer_slot, open_talk, take_turn
from dialogs.turn import start
from engine.notices import untold
from engine.plan import Notice
from engine.store.session import WriteSession
from engine.store.tables.casework import ContactState
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Conversation

SCRIPT = "payment_received"
KEPT = Notice.PROMISE_KEPT.value


async def thank(session: WriteSession, app: Application, paid: PaidOutcome, event: str, now: datetime) -> None:
    """Say thank you in a talk of its own, by the address the link was sent to. Nothing to do if there is none.

    Thanks for a promise kept are the news of all that were kept on that day: no other goes out.
    """
    if paid.conversation is None:
        return
    before = await session.get_one(Conversation, paid.conversation)
    client = await session.get_one(Client, before.client_id)
    address = await session.get_one(Address, before.address_id)
    script = KEPT if paid.keeps else SCRIPT
    news = await untold(session, client.id, paid.amount.currency, Notice.PROMISE_KEPT, now) if script == KEPT else ()
    if address.opted_out_at is None and address.dead_since is None:
        for contact in news:
            contact.state = ContactState.OPENED
    talk = open_talk(session, app, client, address, script, paid.amount.currency, now)
    facts = (await Situations.read(session, app, [client.id], now)).facts(client, paid.amount.currency)
    turn = start(app.scripts[script], facts, talk.language, now)
    await take_turn(session, app, talk, turn, event, now, answer_slot(now))
