"""A played talk for the terminal: what the subscriber would see or hear on the channel, what was understood, what is
booked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from uuid import UUID

from bot.play.talk import Heard, Talk
from bot.understood import named
from channels.buttons import keyboard
from channels.layout import letter, numbered, text_message
from dialogs.message import Speech
from dialogs.reading.reading import Band, Reading
from dialogs.segments import segments
from engine.contact import ChannelKind
from engine.outcome import (
    CallbackWanted,
    Disputed,
    InstallmentsRequested,
    LanguageChanged,
    LinkWanted,
    NotAnswered,
    OfferAccepted,
    OperatorRequested,
    OptedOut,
    Outcome,
    PaymentClaimed,
    PromiseMade,
    WrongPerson,
)

NOBODY = UUID(int=0)
EDGE = "  | "
PLAIN = {
    OptedOut: "no more messages by this channel",
    WrongPerson: "the address reaches somebody else",
    LinkWanted: "the pay link is sent by SMS",
}


def shown(heard: Heard, channel: ChannelKind, lei: str) -> Iterator[str]:
    """The lines of one turn. `lei` is the currency meant where somebody writes lei."""
    if heard.option:
        yield f"understood: the option {heard.option}"
    if heard.reading is not None:
        yield f"understood: {_meant(heard.reading, lei)}"
    if heard.speech.paragraphs or heard.speech.choices:
        head, *body = _laid_out(heard.speech, channel)
        yield head
        yield from (f"{EDGE}{line}".rstrip() for text in body for line in text.split("\n"))
    for outcome in heard.outcomes:
        yield f"booked: {booked(outcome)}"


def standing(talk: Talk) -> str:
    """Where the talk stands now, and what is done if nobody answers."""
    step, rung = talk.waits_at, talk.next_rung
    if step is None or step.ask is None:
        return "the talk is over; any reply opens it again"
    silence = f"; no answer after {_span(rung.after)}: {rung.do.replace('_', ' ')}" if rung else ""
    return f"waits at {step.id} for: {step.ask.kind.replace('_', ' ')}{silence}"


def booked(outcome: Outcome) -> str:
    """An outcome in words."""
    words = PLAIN.get(type(outcome), "")
    match outcome:
        case PromiseMade(amount, until):
            words = f"a promise of {amount or 'all that is due'} by {until}"
        case InstallmentsRequested(parts):
            words = f"{parts} installments are asked for, or agreed where the plan grants them"
        case PaymentClaimed(details):
            words = "the client says it is paid" + (f": {details}" if details else "")
        case CallbackWanted(day, place):
            words = f"a call back on {day}" + (f", to pay: {place}" if place else "")
        case OfferAccepted(offer):
            words = f"the offer is taken: {offer}"
        case Disputed(reason):
            words = f"a dispute: {reason}"
        case OperatorRequested(why):
            words = f"a person takes over ({why.replace('_', ' ')})"
        case NotAnswered(then):
            words = f"no answer: {then.replace('_', ' ')}"
        case LanguageChanged(language, chosen):
            words = f"the talk goes on in {language}{', as asked for' if chosen else ''}"
    return words


def _laid_out(speech: Speech, channel: ChannelKind) -> Iterator[str]:
    """What the channel is, and then its text, by the layout of its adapter."""
    match channel:
        case ChannelKind.SMS:
            text = text_message(speech)
            count = segments(text)
            yield f"SMS, {count} segment{'s' * (count > 1)}"
            yield text
        case ChannelKind.EMAIL:
            yield f"mail, subject: {speech.subject}"
            yield letter(speech.paragraphs, numbered(speech.choices))
        case ChannelKind.TELEGRAM:
            rows, typed = keyboard(speech, NOBODY)
            yield "Telegram"
            yield unescape(letter(speech.paragraphs, typed))
            yield from ("  ".join(f"[{button.label}]" for button in row) for row in rows)
        case ChannelKind.VOICE:
            from channels.twiml import spoken  # noqa: PLC0415 Twilio's SDK takes a moment to load

            yield "said in the call"
            yield from spoken(speech)


def _meant(reading: Reading, lei: str) -> str:
    """The wish, unless the reader is not sure of any, and the values."""
    wish = f"{reading.intent.replace('_', ' ')}{' (perhaps)' * (reading.band is Band.CONFIRM)}"
    values = named(reading, lei)
    return ", ".join([*([wish] if reading.band is not Band.ASK else []), *values]) or "nothing"


def _span(after: timedelta) -> str:
    minutes = after // timedelta(minutes=1)
    if minutes % 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes % 1440 else f"{minutes // 1440} d"
