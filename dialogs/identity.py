"""Whom one talks with, known before a word of the debt: the name, then one factor, three tries, then a person.

A sub-talk of the shared script (`identity` and the steps it leads to), entered first where a third person may listen.
Until it is passed, nothing but this, another language, a wish for a person, a stop, a wrong number and a death is
understood, and no line with a private fact is said.
"""

from __future__ import annotations

from collections.abc import Iterable

from dialogs.answers import picked
from dialogs.flow import Ask, AskKind, Effect, Problem
from dialogs.message import Chose, Keys, Reply, Said
from dialogs.reading.reader import read
from dialogs.reading.reading import Asked, Intent, Reading
from dialogs.walk import Walk
from dialogs.wishes import Wish, wish_of

TRIES = 3
FACTOR = 4
"""How many digits from the end of an account number prove that its holder speaks (ARCHITECTURE 8)."""

ANYBODY = {
    Effect.OPERATOR: Intent.HUMAN,
    Effect.STOP: Intent.OPT_OUT,
    Effect.WRONG_PERSON: Intent.WRONG_PERSON,
}
"""What anybody who answers may ask for, known or not."""


def tail(account: str) -> str:
    """The digits of an account number that are asked for, fewer where it has fewer."""
    return "".join(char for char in account if char in "0123456789")[-FACTOR:]


def ask_who(walk: Walk) -> None:
    """Begin with the question whom one talks with."""
    walk.event("identity")


def identify(walk: Walk, ask: Ask | None, reply: Reply) -> None:
    """Take a reply of somebody not known yet."""
    reading = _read(walk, reply)
    wish = _anybody(walk, reply, reading)
    if reading and reading.chosen:
        walk.speak(reading.language, chosen=True)
    if reading and wish_of(reading, walk.languages) == Wish.BEREAVED:
        walk.event("bereaved")
    elif wish:
        walk.go(walk.script.repairs[wish])
    elif reading and reading.chosen and ask:
        walk.repeat()
    elif ask is None:
        ask_who(walk)
    elif ask.kind == AskKind.IDENTITY:
        _factor(walk, reply)
    else:
        _name(walk, ask, reply, reading)


def _read(walk: Walk, reply: Reply) -> Reading | None:
    if not isinstance(reply, Said):
        return None
    return read(reply.text, walk.state.language, walk.facts.today, Asked.CONFIRM, walk.languages)


def _anybody(walk: Walk, reply: Reply, reading: Reading | None) -> Intent | None:
    if isinstance(reply, Chose):
        known = walk.script.option(reply.option)
        effect = walk.script.steps[known[1].go[reply.option]].emit if known else None
        return ANYBODY.get(effect) if effect else None
    return reading.intent if reading and reading.acts(*ANYBODY.values()) else None


def _name(walk: Walk, ask: Ask, reply: Reply, reading: Reading | None) -> None:
    """Yes goes on to the factor, where the client has an account number to ask for; no ends the talk."""
    option = reply.option if isinstance(reply, Chose) else picked(_text(reply), walk.state.offered)
    if not option and reading and reading.answer is not None:
        option = "yes" if reading.answer else "no"
    if option not in ask.go:
        _missed(walk)
    elif option == "yes" and not any(walk.facts.account_tails):
        walk.event("unidentified")
    else:
        walk.clear_misses()
        walk.go(ask.go[option])


def _factor(walk: Walk, reply: Reply) -> None:
    if fits(_text(reply), walk.facts.account_tails):
        walk.identified()
        walk.go(walk.script.start)
    else:
        _missed(walk)


def fits(text: str, tails: Iterable[str]) -> bool:
    """Whether the digits of a reply are those asked for, or a whole account number that ends in them."""
    digits = "".join(char for char in text if char in "0123456789")
    return any(digits == wanted or (len(wanted) == FACTOR and digits.endswith(wanted)) for wanted in tails if wanted)


def _missed(walk: Walk) -> None:
    walk.miss()
    step = walk.script.steps[walk.state.asked]
    if walk.state.misses >= (step.ask.tries if step.ask and step.ask.tries else TRIES):
        walk.event("unidentified")
    elif step.ask and Problem.UNCLEAR in step.ask.again:
        walk.explain(Problem.UNCLEAR)
    else:
        walk.say_step("not_understood")
        walk.repeat()


def _text(reply: Reply) -> str:
    match reply:
        case Said(text):
            return text
        case Keys(digits):
            return digits
        case Chose():
            return ""
