"""The demo's subscribers on the telephone: who picks up, passes the identity step and presses what they want."""

from __future__ import annotations

from bot.demo.manners import manner_of, people
from channels.sandbox.call import Pickup
from channels.sandbox.calls import CallsCarrier
from dialogs.identity import tail
from dialogs.message import Keys, Said

NEVER = 1000
ITS_ME, PAY_NOW, YES = Keys("1"), Keys("1"), Keys("1")


def arrange(calls: CallsCarrier, seed: int, client: str, language: str, number: str, account: str) -> None:
    """Settle how a client answers every call: those who say nothing have a machine that does."""
    answers = manner_of(seed, client).answers
    digits = tail(account)
    if not answers:
        calls.fate(number, Pickup.MACHINE, times=NEVER)
    elif "say promise" in answers and digits:
        words = people().words[language]["promise"][0]
        calls.always(number, ITS_ME, Keys(digits), Said(words), YES)
    elif "pay" in answers and digits:
        calls.always(number, ITS_ME, Keys(digits), PAY_NOW)
    elif digits:
        calls.always(number, ITS_ME, Keys(digits))
