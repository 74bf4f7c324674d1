"""What happens in a trial, and after how many messages: drawn from its seed, close to what is being sent just then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select

from bot.prove.trial import OFFICE, SENDERS, Trial
from engine.calendar import AnyHour
from engine.contact import ChannelKind
from engine.ledger import Received, receive
from engine.money import Money
from engine.run import decide_clients
from engine.store.consents import Consent, Means, Proof, book_consent
from engine.store.session import Database, lock_clients
from engine.store.tables.portfolio import Address

WHILE = 0.9
"""All happens before this share of the contacts has been taken."""
ONE_IN = 50
"""So many clients for one who says STOP, and for one who pays."""
NEAR = 150
"""Contacts are opened in the order of their clients: those next to the one being sent are under way."""
OWED = 20_000
"""What each client owes, in bani."""
HOLD_SECONDS = 0.08
OF_THE_OFFICE = 0.1
"""This share of the kills is of the office, the others are of senders."""
JUMP = timedelta(seconds=50)
"""How far a sender's clock jumps. Look-ups allow for more; what is put off by such a clock still ends in a trial."""
JUMPS = (timedelta(), timedelta(), JUMP, -JUMP)


@dataclass(frozen=True, slots=True)
class Kill:
    """A process is killed, `delay` seconds after the messages before it were taken; the clock of the next one jumps."""

    after: int
    victim: str
    delay: float
    jump: timedelta


@dataclass(frozen=True, slots=True)
class Stop:
    """A client wants no more messages: to their telephone, or, without one, to any of their addresses."""

    after: int
    client: int


@dataclass(frozen=True, slots=True)
class Payment:
    """A client pays all they owe."""

    after: int
    client: int


Happening = Kill | Stop | Payment


def planned(trial: Trial) -> list[Happening]:
    """All that happens, in its order."""
    draw = Random(trial.seed)  # noqa: S311 - it guards nothing
    return sorted([*_kills(trial, draw), *_clients(trial, draw)], key=lambda one: one.after)


def _kills(trial: Trial, draw: Random) -> Iterator[Kill]:
    for _ in range(trial.kills):
        after = 1 + int(draw.random() * trial.contacts * WHILE)
        victim = OFFICE if draw.random() < OF_THE_OFFICE else draw.choice(SENDERS)
        yield Kill(after, victim, draw.random() * HOLD_SECONDS, draw.choice(JUMPS))


def _clients(trial: Trial, draw: Random) -> Iterator[Stop | Payment]:
    found = dict[int, Stop | Payment]()
    for number in range(2 * trial.contacts // ONE_IN):
        after = int(draw.random() * trial.contacts * WHILE)
        client = min(max(after + draw.randint(-NEAR, NEAR), 1), trial.contacts)
        found.setdefault(client, Payment(after, client) if number % 2 else Stop(after, client))
    yield from found.values()


async def stop(database: Database, client: int, write: Callable[[str], None], now: datetime) -> None:
    """Have a client write STOP from their telephone; of one without, it is booked as by a talk in which they say so."""
    phone = select(Address.sealed).where(Address.client_id == client, Address.channel == ChannelKind.SMS)
    async with database.write() as session:
        number = await session.scalar(phone)
        if number is not None:
            write(number)
            return
        await lock_clients(session, [client])
        addresses = (await session.scalars(select(Address.id).where(Address.client_id == client))).all()
        await book_consent(session, Consent.OPTED_OUT, addresses, Proof(Means.WORD, f"stop:{client}"), now)


async def pay(database: Database, client: int, now: datetime) -> None:
    """Book a payment of all that a client owes, as the intake does."""
    async with database.write() as session:
        await lock_clients(session, [client])
        payment = Received(f"P{client}", client, Money(OWED, "RON"), now, "bank", invoice=client)
        await receive(session, payment, now)
        await decide_clients(session, [client], now, AnyHour())
