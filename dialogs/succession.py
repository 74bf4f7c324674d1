"""A talk whose version of a script is there no more goes on in the one that is (docs/decisions/0017)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dialogs.flow import Script
from dialogs.state import Slot, State
from dialogs.text import Shape
from engine.money import Money

TYPES: dict[Shape, type | tuple[type, ...]] = {
    Shape.MONEY: Money,
    Shape.DATE: date,
    Shape.DAY: date,
    Shape.INTEGER: int,
    Shape.TEXT: str,
    Shape.SCHEDULE: tuple,
}


def succeeded(state: State, script: Script) -> State:
    """The state as the script can take it up: at its question if that is still put, else as after the end of a talk,
    where a wish is heard and all else is met with `reopened`. Values of other types than now are gone.
    """
    if state.version == script.version:
        return state
    step = script.steps.get(state.asked)
    asks = step is not None and step.ask is not None
    return replace(
        state,
        script=script.name,
        version=script.version,
        asked=state.asked if asks else "",
        done=state.done or not asks,
        filled=state.filled if state.filled in script.steps else "",
        slots={name: value for name, value in state.slots.items() if _fits(name, value, script)},
        offered=tuple(option for option in state.offered if _offers(option, script)) if asks else (),
        stack=state.stack if asks and all(name in script.steps for name in state.stack) else (),
    )


def _fits(name: str, value: Slot, script: Script) -> bool:
    shape = script.slots.get(name)
    return shape in TYPES and isinstance(value, TYPES[shape])


def _offers(option: str, script: Script) -> bool:
    return any(option in (one.id for one in step.ask.options) for step in script.steps.values() if step.ask)
