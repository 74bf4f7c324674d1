"""Nobody answers: one rung of the question's silence ladder, and nothing where the talk has moved on meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from dialogs.answers import refused
from dialogs.facts import Facts
from dialogs.flow import Line, RungKind, Script, Step
from dialogs.state import State
from dialogs.succession import succeeded
from dialogs.turn import Turn
from dialogs.walk import Walk
from engine.outcome import Handover, NotAnswered, OperatorRequested, OtherWay


def silent(script: Script, state: State, rung: int, facts: Facts, now: datetime, *, turn: int) -> Turn | None:
    """Do the rung of that index, counted from 0, for the question put in turn number `turn`.

    None where the talk has moved on, the rung is done, or the question has none such. The turn's number stays as it
    was, so that the later rungs of the same silence stand; only `rungs` counts. A reminder puts the question again, or
    where that is about a day which is over, the one for the day.
    """
    state = succeeded(state, script)
    step = script.steps.get(state.asked)
    ladder = step.ask.silence if step and step.ask and not state.done else ()
    if state.turn != turn or not state.rungs <= rung < len(ladder):
        return None
    walk = Walk(script, facts, replace(state, at=now, rungs=rung + 1))
    match ladder[rung].do:
        case RungKind.REMIND:
            walk.say((Line(ladder[rung].key),))
            if step and _over(step, walk):
                walk.state = replace(walk.state, asked=script.asking("until"))
            walk.repeat()
        case RungKind.OTHER_CHANNEL:
            walk.outcomes.append(NotAnswered(OtherWay.OTHER_CHANNEL))
        case RungKind.CALL:
            walk.outcomes.append(NotAnswered(OtherWay.CALL))
        case RungKind.OPERATOR:
            walk.outcomes.append(OperatorRequested(Handover.SILENCE))
    return Turn(walk.state, tuple(walk.messages), tuple(walk.outcomes))


def _over(step: Step, walk: Walk) -> bool:
    """Whether a question is about a day that no promise can be made for any more."""
    until = walk.state.slots.get("until")
    asks = any("until" in walk.script.texts[line.key].placeholders for line in step.lines)
    return asks and isinstance(until, date) and refused(until, walk.facts, walk.script.matter) is not None
