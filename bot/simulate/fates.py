"""The fate of the next send to somebody, arranged with the sandbox carrier of its channel in that carrier's own words.

An error of Twilio's that says nobody is there stands on the other channels for their way to say so.
"""

from __future__ import annotations

from bot.sandbox import Carriers
from bot.simulate.happening import NOBODY_THERE, Carries, Result
from channels.sandbox.call import Pickup
from channels.sandbox.chat import ChatFate
from channels.sandbox.mail import MailFate
from channels.sandbox.sms import Fate
from engine.contact import ChannelKind

NO_SUCH_MAILBOX, UNNAMED, FULL = "5.1.1", "5.0.0", "5.2.2"
NO_SUCH_NUMBER = "404"
SIP_DIGITS = 3


def arrange(carriers: Carriers, address: str, carries: Carries) -> None:
    """Have the next send to `address` fare so; several arrangements are used up one after the other."""
    match carries.channel:
        case ChannelKind.SMS:
            carriers.twilio.fate(address, Fate(carries.result), carries.error)
        case ChannelKind.EMAIL:
            carriers.relay.fate(address, *_mail(carries))
        case ChannelKind.TELEGRAM:
            carriers.telegram.fate(address, _chat(carries))
        case ChannelKind.VOICE:
            carriers.calls.fate(address, *_call(carries))


def _mail(carries: Carries) -> tuple[MailFate, str]:
    """Failed: refused by the relay in the dialogue. Undelivered: taken, and a bounce follows."""
    error = NO_SUCH_MAILBOX if carries.error in NOBODY_THERE else carries.error
    status = error if "." in error else UNNAMED if error else FULL
    match carries.result:
        case Result.DELIVERED:
            return MailFate.DELIVERED, ""
        case Result.FAILED:
            return MailFate.REFUSED, status
        case _:
            return MailFate.BOUNCED, status


def _chat(carries: Carries) -> ChatFate:
    if carries.result is Result.DELIVERED:
        return ChatFate.TAKEN
    if carries.error in NOBODY_THERE:
        return ChatFate.NOT_FOUND
    return ChatFate.BLOCKED if carries.error == "403" else ChatFate.REFUSED


def _call(carries: Carries) -> tuple[Pickup, str]:
    error = carries.error
    if carries.result is Result.DELIVERED:
        return Pickup.PERSON, ""
    if error in NOBODY_THERE:
        return Pickup.FAILED, NO_SUCH_NUMBER
    if error.isdigit():
        return Pickup.FAILED, error if len(error) == SIP_DIGITS else ""
    if error:
        return Pickup(error), ""
    return Pickup.NO_ANSWER if carries.result is Result.UNDELIVERED else Pickup(carries.result), ""
