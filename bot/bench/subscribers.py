"""Subscribers and their carrier, in a process of their own: they reply by SMS at a steady rate, whatever comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from bot.bench.queued import NOW
from bot.loop import run
from bot.sandbox import OUR_NUMBER
from channels.sandbox.sms import Fate
from channels.sandbox.twilio import TwilioCarrier

SAID = ("Plătesc vineri", "cât am de plată?", "pot plăti în rate?", "am plătit deja", "nu pot plăti acum", "1")
"""What they say, in turn: promises, questions and wishes, so that all kinds of turns are taken."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the carrier knows us by, and where it posts."""

    sid: str
    token: str
    public_url: str


@dataclass(frozen=True, slots=True)
class Texting:
    """These say something one after another, so many a second."""

    numbers: Sequence[str]
    per_second: float


@contextmanager
def subscribers(account: Account) -> Iterator[tuple[str, Connection]]:
    """Their carrier's address, and the line by which they are told to begin; they tell when all has been posted."""
    ours, theirs = get_context("spawn").Pipe()
    process: Any = get_context("spawn").Process(target=_be, args=(account, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.kill()
        process.join()


def _be(account: Account, line: Connection) -> None:
    run(_carry(account, line))


async def _carry(account: Account, line: Connection) -> None:
    carrier = TwilioCarrier(
        account_sid=account.sid,
        auth_token=account.token,
        number=OUR_NUMBER,
        now=lambda: NOW,
        public_url=account.public_url,
    )
    await carrier.start()
    line.send(carrier.url)
    while True:
        texting: Texting = await asyncio.to_thread(line.recv)
        carrier.fate("*", Fate.SILENT, times=len(texting.numbers))  # what becomes of an answer is another benchmark
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, place in zip(texting.numbers, count(), strict=False):
            await asyncio.sleep(began + place / texting.per_second - loop.time())
            await carrier.answer(number, SAID[place % len(SAID)])
        await carrier.settle()
        line.send(loop.time() - began)
