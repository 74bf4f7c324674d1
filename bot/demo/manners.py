"""How simulated subscribers behave: pure functions of a seed, so that a restarted demo goes on as the same people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from engine.document import Node, read

FILE = Path(__file__).parent / "people.yaml"
WAKES, SLEEPS = 9, 21


@dataclass(frozen=True, slots=True)
class Manner:
    """One way to behave. `bank_after_days` is when they pay without a link, counted from the first message."""

    name: str
    share: int
    answers: tuple[str, ...]
    bank_after_days: int | None


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a subscriber does about a message: `deed` is say, press or pay; `words` are what they write."""

    at: datetime
    deed: str
    words: str


@dataclass(frozen=True, slots=True)
class People:
    """The manners and the words of the demo."""

    manners: tuple[Manner, ...]
    words: dict[str, dict[str, tuple[str, ...]]]


@cache
def people() -> People:
    """The people of the packaged file."""
    root = read(FILE).mapping(("manners", "words"))
    words = {
        language: {key: said.texts() for key, said in spoken.mapping((), PHRASES).items()}
        for language, spoken in root["words"].mapping(LANGUAGES).items()
    }
    return People(tuple(_manner(node) for node in root["manners"].items()), words)


LANGUAGES = ("en", "ro", "uk", "ru")
PHRASES = ("promise", "yes", "parts", "paid", "dispute", "reason", "person", "stop")


def _manner(node: Node) -> Manner:
    keys = node.mapping(("share", "name", "answers"), ("bank_after_days",))
    days = keys["bank_after_days"].whole() if "bank_after_days" in keys else None
    return Manner(keys["name"].text(), keys["share"].whole(), keys["answers"].texts(), days)


def manner_of(seed: int, client: str) -> Manner:
    """The way this client behaves."""
    known = people().manners
    return Random(f"{seed}:{client}").choices(known, [manner.share for manner in known])[0]  # noqa: S311 - no secret


def reaction(seed: int, client: str, language: str, number: int, at: datetime) -> Reaction | None:
    """What a client does about the `number`-th message (from 0) on a channel, received at local time `at`."""
    answers = manner_of(seed, client).answers
    if number >= len(answers):
        return None
    deed, _, what = answers[number].partition(" ")
    if deed == "wait":
        return None
    luck = Random(f"{seed}:{client}:{number}")  # noqa: S311 - no secret
    words = luck.choice(people().words[language][what.strip('"')]) if deed == "say" else what
    return Reaction(_awake(at + timedelta(minutes=luck.choice((20, 45, 90, 240)) if number == 0 else 10)), deed, words)


def bank_day(seed: int, client: str, first_message: datetime) -> datetime | None:
    """When a client pays at the bank, if that is their way; a local time."""
    days = manner_of(seed, client).bank_after_days
    return None if days is None else _awake(first_message + timedelta(days=days))


def _awake(at: datetime) -> datetime:
    """The next half hour at which somebody is awake."""
    rounded = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0) + timedelta(minutes=30)
    if WAKES <= rounded.hour < SLEEPS:
        return rounded
    morning = rounded.replace(hour=WAKES, minute=30)
    return morning if rounded.hour < WAKES else morning + timedelta(days=1)
