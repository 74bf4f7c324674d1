"""What a step tells the case store, made of the values of the talk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from dialogs.answers import refused
from dialogs.facts import Facts
from dialogs.flow import Effect, Problem, Script, Step
from dialogs.state import State
from engine.money import Money
from engine.outcome import (
    CallbackWanted,
    Disputed,
    Handover,
    InstallmentsRequested,
    LinkWanted,
    OfferAccepted,
    OfferKind,
    OperatorRequested,
    OptedOut,
    Outcome,
    PaymentClaimed,
    PromiseMade,
    WrongPerson,
)

PLAIN: Mapping[Effect, Outcome] = {
    Effect.OPERATOR: OperatorRequested(Handover.ASKED),
    Effect.HARDSHIP: OperatorRequested(Handover.HARDSHIP),
    Effect.BEREAVED: OperatorRequested(Handover.BEREAVEMENT),
    Effect.LOST: OperatorRequested(Handover.NOT_UNDERSTOOD),
    Effect.FAULT: OperatorRequested(Handover.FAULT),
    Effect.STOP: OptedOut(),
    Effect.WRONG_PERSON: WrongPerson(),
    Effect.IDENTITY: OperatorRequested(Handover.IDENTITY),
}
"""Effects that need no value."""


TAKEN = "taken"
"""The slot that keeps which offer this talk has taken: once is enough."""


class StepFault(Exception):
    """A step of the script cannot be walked: a person takes over, and is told why."""


def told(step: Step, state: State, facts: Facts, script: Script) -> Outcome | Problem | None:
    """The outcome of a step, or why it cannot be: a promise confirmed too late is not made.

    Raises StepFault where a value that the outcome is made of was never asked for: nobody is thanked for what is not
    booked.
    """
    if step.emit is None:
        return None
    if step.emit == Effect.OFFER:
        return None if state.slots.get(TAKEN) == script.matter else OfferAccepted(OfferKind(script.matter))
    if step.emit == Effect.PROMISE:
        return _promise(step, state, facts, script.matter)
    if step.emit == Effect.CALLBACK:
        return _callback(step, state, script)
    made = OF_VALUES.get(step.emit)
    return made(step, state, facts) if made else PLAIN[step.emit]


def _promise(step: Step, state: State, facts: Facts, matter: str) -> PromiseMade | Problem:
    until, amount = _day(step, state), state.slots.get("amount")
    named = amount if isinstance(amount, Money) else None
    return refused(until, facts, matter) or PromiseMade(named, until, state.booked if state.corrects else None)


def _installments(step: Step, state: State, _facts: Facts) -> InstallmentsRequested:
    count = state.slots.get("count")
    if not isinstance(count, int):
        raise StepFault(f"step '{step.id}' asks for parts without their number")
    return InstallmentsRequested(count)


def _callback(step: Step, state: State, script: Script) -> CallbackWanted:
    found = script.option(str(state.slots.get("place", "")))
    return CallbackWanted(_day(step, state), script.texts[found[0].key].english if found else "")


def _paid(_step: Step, state: State, _facts: Facts) -> PaymentClaimed:
    return PaymentClaimed(str(state.slots.get("details", "")))


def _disputed(_step: Step, state: State, _facts: Facts) -> Disputed:
    return Disputed(str(state.slots.get("reason", "")))


def _link(_step: Step, _state: State, facts: Facts) -> LinkWanted | None:
    return LinkWanted() if facts.link_by_sms else None


def _day(step: Step, state: State) -> date:
    until = state.slots.get("until")
    if not isinstance(until, date):
        raise StepFault(f"step '{step.id}' agrees on a day that was never named")
    return until


OF_VALUES: Mapping[Effect, Callable[[Step, State, Facts], Outcome | None]] = {
    Effect.INSTALLMENTS: _installments,
    Effect.PAID: _paid,
    Effect.DISPUTE: _disputed,
    Effect.LINK: _link,
}
"""Effects that are made of values of the talk, or of facts, whatever it is about."""
