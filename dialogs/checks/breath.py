"""What is said in one breath: all that a turn can say, by every way from its first step to a question or the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from dialogs.conditions import is_said
from dialogs.flow import HANDED_OVER, Script, Step
from dialogs.message import Option
from dialogs.specimen import SPECIMEN
from dialogs.walk import DEEPEST

WAYS = 200
"""Ways from one step, as far as they are looked at: they double with every branch."""

Place = tuple[str, tuple[str, ...]]
"""A step, and those to come back to, the next one last."""


@dataclass(frozen=True, slots=True)
class Breath:
    """One turn: the step it begins with, the texts that it says, and what it offers. `opens` where it is the first."""

    head: str
    keys: tuple[str, ...]
    options: tuple[Option, ...] = ()
    opens: bool = False


def breaths(script: Script) -> Iterator[Breath]:
    """Every turn that can be, what is said again and after a silence among them."""
    opening: Place = (script.start, ())
    waiting = [opening, *((name, ()) for name in script.repairs.values())]
    found = set(waiting)
    while waiting:
        head = waiting.pop()
        for keys, last, stack in islice(_ways(script, head, (), ()), WAYS):
            yield Breath(head[0], keys, last.ask.options if last.ask else (), opens=head == opening)
            if last.ask:
                yield from _put_again(last)
                after = {(target, stack) for target in last.targets} - found
                found |= after
                waiting += after


def _put_again(step: Step) -> Iterator[Breath]:
    """What is said to a value that cannot be taken, and the question again after each reminder."""
    if step.ask:
        for key in step.ask.again.values():
            yield Breath(step.id, (key,))
        for rung in step.ask.silence:
            if rung.key:
                yield Breath(step.id, (rung.key, *_said(step)), step.ask.options)


def _ways(
    script: Script, place: Place, said: tuple[str, ...], passed: tuple[Place, ...]
) -> Iterator[tuple[tuple[str, ...], Step, tuple[str, ...]]]:
    """What is said by each way, the step that it ends with, and the steps to come back to from there.

    A circle is a problem of its own (`dialogs.checks.ways`): none is gone round twice.
    """
    name, stack = place
    step = script.steps[name]
    said = (*said, *_said(step))
    onward = _onward(step, stack)
    if not onward:
        yield said, step, stack
    for one in onward:
        if one not in (*passed, place):
            yield from _ways(script, one, said, (*passed, place))


def _onward(step: Step, stack: tuple[str, ...]) -> list[Place]:
    """Where the step leads without an answer, as `dialogs.walk` goes."""
    if step.ask or (step.call and len(stack) >= DEEPEST):
        return []
    if step.call:
        return [(step.call, (*stack, step.next))]
    branches = [(branch.go, stack) for branch in step.branches]
    if step.next:
        return [*branches, (step.next, stack)]
    return [*branches, (stack[-1], stack[:-1])] if stack and step.emit not in HANDED_OVER else branches


def _said(step: Step) -> tuple[str, ...]:
    return tuple(line.key for line in step.lines if is_said(line, SPECIMEN))
