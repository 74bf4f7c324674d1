"""What Twilio is told to do in a call: documents as pure functions of what is to be said and where the call stands.

Keys are the contract, speech the bonus: every question can be answered on the keypad, `*` repeats it and `0` asks for
a person; in languages whose speech Twilio is not trusted with, it does not listen for any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from channels.layout import numbered
from dialogs.message import Speech

LOCALES = {"en": "en-US", "ro": "ro-RO", "uk": "uk-UA", "ru": "ru-RU"}
"""The locale each language of the product is spoken in; for another language Twilio takes its code as it is."""

VOICES = {"en": "Polly.Joanna", "ro": "Polly.Carmen", "uk": "Google.uk-UA-Standard-A", "ru": "Polly.Tatyana"}
"""Twilio's own voices know no ro, uk or ru and no markup. Voices of others go without notice, so they are a setting."""

SLOW = "75%"
"""Of the usual pace: said again, every word apart."""

ADDRESS = re.compile(r"https?://", re.IGNORECASE)
NOT_SPOKEN = re.compile("[^\t\n\r\x20-\u206f\u20a0-\u20cf\u2100-\u21ff\u2c60-\ud7ff]+")
"""What XML cannot hold (control characters) and what a voice cannot say (emoji and other pictures)."""


class Then(StrEnum):
    """What follows when a text has been spoken."""

    LISTEN = "listen"
    HANG_UP = "hang_up"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is said at one point of a call, and what follows. `one_key` marks a question one key answers, `slow` what
    was not understood at the usual pace.
    """

    language: str
    lines: tuple[str, ...]
    then: Then = Then.LISTEN
    one_key: bool = False
    hints: tuple[str, ...] = ()
    slow: bool = False

    def after(self, *lines: str) -> Utterance:
        """The same, with something said before it."""
        return replace(self, lines=(*lines, *self.lines))

    def before(self, *lines: str) -> Utterance:
        """The same, with something said at its end."""
        return replace(self, lines=(*self.lines, *lines))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands: `base` is the address of its webhooks, `turn` that of the talk.

    `again` counts how often this turn was asked, so that each asking is an event of its own; `silent` how often
    nothing came back.
    """

    base: str
    turn: int
    again: int = 0
    silent: int = 0

    @property
    def action(self) -> str:
        """Where the answer goes."""
        return f"{self.base}/turn/{self.turn}/{self.again}/{self.silent}"


@dataclass(frozen=True, slots=True)
class Manner:
    """How calls are held. `voices` are Twilio's names of them by language; one left out, or empty, is the account's.

    `operator` is the number a call is passed on to, empty where there is none.

    `understood` are the languages whose speech is listened for; `patience` the seconds of silence waited for an answer,
    `ringing` those an operator's telephone rings.
    """

    operator: str = ""
    understood: frozenset[str] = frozenset(LOCALES)
    patience: int = 6
    ringing: int = 25
    voices: Mapping[str, str] = field(default_factory=lambda: VOICES)

    def voice(self, language: str) -> _Voice:
        """Who speaks that language."""
        code = language.partition("-")[0]
        return _Voice(LOCALES.get(code, language), self.voices.get(code) or None)


@dataclass(frozen=True, slots=True)
class _Voice:
    locale: str
    name: str | None

    def say(self, verb: VoiceResponse | Gather, lines: Iterable[str], *, slow: bool = False) -> None:
        """Speak the lines; slowly only where the voice is known, for Twilio's own take no markup."""
        for line in _speakable(lines):
            if slow and self.name:
                verb.say(language=self.locale, voice=self.name).prosody(line, rate=SLOW)
            else:
                verb.say(line, language=self.locale, voice=self.name)


def spoken(speech: Speech) -> tuple[str, ...]:
    """A speech as lines for the ear: no web address, no picture; options by their spoken form, else numbered."""
    lines = [line for paragraph in speech.paragraphs for line in paragraph.splitlines() if not ADDRESS.search(line)]
    options = [
        choice.spoken or fallback for choice, fallback in zip(speech.choices, numbered(speech.choices), strict=True)
    ]
    return tuple(_speakable([*lines, *options]))


def utterance(speech: Speech, then: Then) -> Utterance:
    """A speech as it is said in a call."""
    hints = tuple(choice.label for choice in speech.choices)
    return Utterance(speech.language, spoken(speech), then, one_key=bool(hints), hints=hints)


def document(said: Utterance, place: Place, manner: Manner) -> str:
    """The TwiML of an utterance at a place of the call."""
    response = VoiceResponse()
    voice = manner.voice(said.language)
    match said.then:
        case Then.LISTEN:
            gather = _gather(said, place, manner)
            voice.say(gather, said.lines, slow=said.slow)
            response.append(gather)
            # Reached only where Twilio could not listen at all: taken for silence.
            response.redirect(place.action, method="POST")
        case Then.OPERATOR if manner.operator:
            voice.say(response, said.lines, slow=said.slow)
            dial = Dial(action=f"{place.base}/dialed/{place.turn}", method="POST", timeout=manner.ringing)
            dial.number(manner.operator)
            response.append(dial)
        case Then.OPERATOR | Then.HANG_UP:
            voice.say(response, said.lines, slow=said.slow)
            response.redirect(f"{place.base}/end/{place.turn}", method="POST")
    return str(response)


def hang_up() -> str:
    """The TwiML that ends a call without a word."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def notice(lines: Iterable[str], language: str, manner: Manner) -> str:
    """The TwiML of a message that expects nobody to answer, as for an answering machine."""
    response = VoiceResponse()
    manner.voice(language).say(response, lines)
    response.hangup()
    return str(response)


def _gather(said: Utterance, place: Place, manner: Manner) -> Gather:
    listens = said.language in manner.understood
    hints = ",".join(hint.replace(",", " ") for hint in said.hints)
    return Gather(
        input="dtmf speech" if listens else "dtmf",
        action=place.action,
        method="POST",
        timeout=manner.patience,
        action_on_empty_result=True,
        num_digits=1 if said.one_key else None,
        language=manner.voice(said.language).locale if listens else None,
        speech_timeout="auto" if listens else None,
        hints=hints if listens and hints else None,
    )


def _speakable(lines: Iterable[str]) -> list[str]:
    cleaned = (" ".join(NOT_SPOKEN.sub(" ", line).split()) for line in lines)
    return [line for line in cleaned if line]
