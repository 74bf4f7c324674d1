"""What the pay pages need to know of the deployment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.pay.provider import PaymentProvider
from engine.store.session import Database


@dataclass(frozen=True, slots=True)
class PayDesk:
    """Where a client pays. `now` reads the clock (aware UTC); `creditor` is who is asking, as people know them.

    `public_url` is the address of this application as people type it; `hotline` a telephone number people already
    trust (the one on their bills), by which they can check that the page is genuine.
    """

    database: Database
    now: Callable[[], datetime]
    provider: PaymentProvider
    public_url: str
    creditor: str
    hotline: str = ""
