"""Conditions and limits: typed values of facts and slots, compared with one another or with literals of the script.

A literal is written by the type of what it is compared with: a sum in major units of the talk's currency (`100.50`), a
whole number, a day (`2026-12-31`, or `+7d` counted from the client's today), a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from dialogs.facts import MATTERS, Due, Facts
from dialogs.flow import GRANTED, IN_TIME, VALUED, AskKind, Condition, Line, Relation
from dialogs.message import Value
from dialogs.text import FACTS, Shape
from engine.money import BadAmount, Money, money

AHEAD = re.compile(r"([+-]\d{1,3})d")
ORDERED = (Shape.MONEY, Shape.INTEGER, Shape.DATE, Shape.DAY)
NAMED = (IN_TIME, GRANTED)


class Mistyped(ValueError):
    """A condition or limit compares what cannot be compared; the message says what, and what can."""


def known(name: str, facts: Facts, bound: Mapping[str, Value]) -> Value | Due | tuple[Any, ...] | None:
    """The value of a fact, or of a slot as `bound` in the talk; None where there is none."""
    if name in bound:
        return bound[name]
    owner, _, part = name.partition(".")
    if owner not in MATTERS and owner not in FACTS:
        return None
    value: Any = getattr(facts, owner)
    return getattr(value, part, None) if part else value


def stands(name: str, facts: Facts, bound: Mapping[str, Value]) -> bool:
    """Whether there is anything to show; accounts are shown only where there are several."""
    value: Any = known(name, facts, bound)
    return len(value) > 1 if FACTS.get(name) == Shape.ACCOUNTS else bool(value)


def is_said(line: Line, facts: Facts) -> bool:
    """Whether the conditions of a line hold now."""
    return (not line.when or stands(line.when, facts, {})) and not (line.unless and stands(line.unless, facts, {}))


def limit(text: str, shape: Shape, facts: Facts, bound: Mapping[str, Value]) -> Any:
    """What the operand is worth now; None where it names something that is not known."""
    if text in bound or text in FACTS:
        return known(text, facts, bound)
    literal = _literal(text, shape)
    if isinstance(literal, timedelta):
        return facts.today + literal
    if isinstance(literal, Decimal):
        return money(literal, facts.amount_due.currency)
    return literal


def holds(condition: Condition, facts: Facts, bound: Mapping[str, Value], shapes: Mapping[str, Shape]) -> bool:
    """Whether a condition on a fact or slot holds now. Sums in two currencies meet no test."""
    if condition.relation == Relation.KNOWN:
        return stands(condition.name, facts, bound) == (condition.than != "no")
    left: Any = known(condition.name, facts, bound)
    right = limit(condition.than, _shape(condition.name, shapes), facts, bound)
    if left is None or right is None:
        return False
    if isinstance(left, Money) and (not isinstance(right, Money) or left.currency != right.currency):
        return False
    match condition.relation:
        case Relation.BELOW:
            return bool(left < right)
        case Relation.ABOVE:
            return bool(left > right)
        case Relation.AT_MOST:
            return bool(left <= right)
        case Relation.AT_LEAST:
            return bool(left >= right)
    return bool(left == right)


def type_condition(condition: Condition, shapes: Mapping[str, Shape]) -> None:
    """Raise Mistyped where the condition can never be tested. `shapes` are those of the slots."""
    if condition.name in NAMED:
        return
    if condition.name not in FACTS and condition.name not in shapes and condition.name not in MATTERS:
        raise Mistyped(f"'{condition.name}' is neither a fact nor a slot")
    if condition.relation == Relation.KNOWN:
        return
    shape = None if condition.name in MATTERS else _shape(condition.name, shapes)
    if shape is None or (shape not in ORDERED and (condition.relation != Relation.IS or shape != Shape.TEXT)):
        raise Mistyped(f"'{condition.name}' cannot be tested by '{condition.relation}'")
    _type_operand(condition.than, shape, shapes)


def type_limit(kind: AskKind, text: str, shapes: Mapping[str, Shape]) -> None:
    """Raise Mistyped where a value of that kind cannot be compared with the limit."""
    shape = VALUED[kind][0] if kind in VALUED else Shape.TEXT
    if shape not in ORDERED:
        raise Mistyped(f"a question of type {kind} has no limits")
    _type_operand(text, shape, shapes)


def _type_operand(text: str, shape: Shape, shapes: Mapping[str, Shape]) -> None:
    other = FACTS.get(text) or shapes.get(text)
    if other is not None:
        if _family(other) != _family(shape):
            raise Mistyped(f"'{text}' is of type {other}, which is not compared with {shape}")
        return
    try:
        _literal(text, shape)
    except ValueError:
        raise Mistyped(f"'{text}' is neither a fact, nor a slot, nor a value of type {shape}") from None


def _literal(text: str, shape: Shape) -> Decimal | date | timedelta | int | str:
    """A literal by the type it is compared with. Raises ValueError."""
    match shape:
        case Shape.MONEY:
            return _decimal(text)
        case Shape.INTEGER:
            return int(text)
        case Shape.DATE | Shape.DAY:
            ahead = AHEAD.fullmatch(text)
            return timedelta(days=int(ahead[1])) if ahead else date.fromisoformat(text)
    return text


def _decimal(text: str) -> Decimal:
    try:
        money(Decimal(text), "EUR")
    except (InvalidOperation, BadAmount):
        raise ValueError(f"{text} is no sum") from None
    return Decimal(text)


def _family(shape: Shape) -> Shape:
    return Shape.DATE if shape == Shape.DAY else shape


def _shape(name: str, shapes: Mapping[str, Shape]) -> Shape:
    return FACTS.get(name) or shapes[name]
