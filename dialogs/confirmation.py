"""The answer to what was read back: yes, no, or a correction."""

from __future__ import annotations

from dataclasses import replace

from dialogs.answers import promised, value
from dialogs.flow import Ask, AskKind
from dialogs.reading.reading import Intent, Reading
from dialogs.walk import Walk

FEWEST_LETTERS = 3
"""Different letters of words that agree to something; yes and no themselves are known whatever their letters."""


def confirmed(walk: Walk, ask: Ask, reading: Reading) -> bool:
    """Yes, no, or a correction: another day, sum or number of parts than read back is read back in its turn.

    Days and sums named on payments in parts are conditions that nobody can agree to here.
    """
    slots = walk.state.slots
    amount = promised(reading, walk.facts, walk.script.matter)
    said = reading.answer if reading.answer is not None else _polarity(reading)
    in_parts = "schedule" in slots
    other_day = not in_parts and any(day.date != slots.get("until") for day in reading.dates)
    other_count = in_parts and reading.count not in {None, slots["count"]}
    if walk.state.filled and (other_day or other_count or _other_sum(walk, reading)):
        corrected(walk, reading)
    elif in_parts and (reading.dates or reading.amounts):
        return False
    elif amount and amount != slots.get("amount"):
        walk.keep("amount", amount)
        walk.repeat()
    elif said is None:
        return False
    else:
        walk.clear_misses()
        walk.go(ask.go["yes" if said else "no"])
    return True


def corrected(walk: Walk, reading: Reading) -> bool:
    """Ask again for the value last taken, or take the one that is named now; it is read back like the first.

    A promise booked of that value gives way to what will be. There may be nothing to correct.
    """
    state = walk.state
    if state.filled not in walk.script.steps:
        return False
    asked = walk.script.steps.get(state.asked)
    if asked and asked.ask and asked.ask.kind == AskKind.LANGUAGE:
        walk.come_back()  # what the choice of language came between is not put again
    again = state.booked is not None and state.booked == (state.slots.get("amount"), state.slots.get("until"))
    walk.state = replace(walk.state, misses=0, corrects=state.corrects or again)
    walk.go(state.filled, reading)
    return True


def _other_sum(walk: Walk, reading: Reading) -> bool:
    """Whether another sum is named than the one that was asked for and is read back."""
    step = walk.script.steps.get(walk.state.filled)
    if step is None or step.ask is None or step.ask.kind != AskKind.AMOUNT:
        return False
    given = value(step.ask, reading, walk.facts, walk.bound(), asked=True, matter=walk.script.matter)
    return given is not None and given != walk.state.slots.get(step.ask.slot)


def _polarity(reading: Reading) -> bool | None:
    """The yes or no of words that are neither by themselves. What is not readable, such as aaaaaaa, binds nobody."""
    letters = {letter for letter in reading.text if letter.isalpha()}
    if not reading.untold and len(letters) >= FEWEST_LETTERS and reading.acts(Intent.AFFIRM, Intent.DENY):
        return reading.intent == Intent.AFFIRM
    return None
