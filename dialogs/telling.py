"""What a step tells the case store, made of the values of the talk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from dialogs.answers import refused
from dialogs.facts import Facts
from dialogs.flow import Effect, Problem, Step
from dialogs.state import State
from engine.money import Money
from engine.outcome import (
    Disputed,
    Handover,
    InstallmentsRequested,
    LinkWanted,
    OperatorRequested,
    OptedOut,
    Outcome,
    PaymentClaimed,
    PromiseMade,
    WrongPerson,
)

PLAIN: Mapping[Effect, Outcome] = {
    Effect.PAID: PaymentClaimed(),
    Effect.OPERATOR: OperatorRequested(Handover.ASKED),
    Effect.HARDSHIP: OperatorRequested(Handover.HARDSHIP),
    Effect.LOST: OperatorRequested(Handover.NOT_UNDERSTOOD),
    Effect.FAULT: OperatorRequested(Handover.FAULT),
    Effect.STOP: OptedOut(),
    Effect.WRONG_PERSON: WrongPerson(),
    Effect.IDENTITY: OperatorRequested(Handover.IDENTITY),
}
"""Effects that need no value."""


class StepFault(Exception):
    """A step of the script cannot be walked: a person takes over, and is told why."""


def told(step: Step, state: State, facts: Facts) -> Outcome | Problem | None:
    """The outcome of a step, or why it cannot be: a promise confirmed too late is not made.

    Raises StepFault where a value that it is made of was never asked for: nobody is thanked for what is not booked.
    """
    slots = state.slots
    match step.emit:
        case None:
            return None
        case Effect.PROMISE:
            until, amount = slots.get("until"), slots.get("amount")
            if not isinstance(until, date):
                raise StepFault(f"step '{step.id}' makes a promise without a day")
            named = amount if isinstance(amount, Money) else None
            return refused(until, facts) or PromiseMade(named, until, state.booked if state.corrects else None)
        case Effect.INSTALLMENTS:
            count = slots.get("count")
            if not isinstance(count, int):
                raise StepFault(f"step '{step.id}' asks for parts without their number")
            return InstallmentsRequested(count)
        case Effect.DISPUTE:
            return Disputed(str(slots.get("reason", "")))
        case Effect.LINK:
            return LinkWanted() if facts.link_by_sms else None
    return PLAIN[step.emit]
