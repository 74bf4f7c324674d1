"""A reading told: as the JSON of INTERFACES, and in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dialogs.reading.examples import Example
from dialogs.reading.reading import Intent, Reading, Sum

LEI = "LEI"


def as_json(reading: Reading, lei: str) -> dict[str, Any]:
    """One object of `amiable understand --json`. `lei` is the currency that lei are of in this deployment."""
    said: dict[str, Any] = {
        "text": reading.said,
        "language": reading.language,
        "switch": reading.switch,
        "intent": _public(reading.intent),
        "second": _public(reading.second),
        "margin": round(reading.margin, 3),
        "band": str(reading.band),
        "dates": [{"date": day.date.isoformat(), "rule": day.rule} for day in reading.dates],
        "amounts": [_sum(one, lei) for one in reading.amounts],
        "count": reading.count,
        "fraction": None if reading.fraction is None else round(float(reading.fraction), 6),
        "percent": None if reading.percent is None else _number(reading.percent),
        "periodic": None,
        "full": reading.full,
        "why": list(reading.why),
    }
    if reading.periodic is not None:
        each = reading.periodic
        said["periodic"] = {**_sum(Sum(each.value, each.currency), lei), "period": each.period}
    if reading.script:
        said["script"] = reading.script
    if reading.ranged:
        said["range"] = True
    return said


def as_text(reading: Reading, lei: str, near: Example | None = None) -> str:
    """A few lines for a person."""
    said = as_json(reading, lei)
    written = f"{said['language']}-{reading.script}" if reading.script else said["language"]
    head = f"{said['intent']} ({said['band']}, margin {said['margin']}), {written}"
    values = ", ".join(named(reading, lei)) or "no values"
    lines = [f"«{reading.said}»", f"  {head}: {values}", *(f"  {why}" for why in reading.why)]
    if near:
        lines.append(f"  most alike: «{near.text}» ({near.language}, {near.intent})")
    return "\n".join(lines)


def named(reading: Reading, lei: str) -> list[str]:
    """The values of a reply, each in a few words: days, sums, a number, a part of the whole."""
    said = as_json(reading, lei)
    values = [
        *(day["date"] for day in said["dates"]),
        *(f"{one['value']} {one['currency']}".strip() for one in said["amounts"]),
        *(f"{name} {said[name]}" for name in ("count", "fraction", "percent") if said[name] is not None),
        *(["the whole sum"] if reading.full else []),
    ]
    if each := said["periodic"]:
        values.append(f"{each['value']} {each['currency']} a {each['period']}".replace("  ", " "))
    return values


def _public(intent: Intent) -> str:
    """Thanks are an intent of the talk alone; for everybody else they are none of the fifteen."""
    return str(Intent.OTHER if intent == Intent.THANKS else intent)


def _sum(one: Sum, lei: str) -> dict[str, Any]:
    return {"value": _number(one.value), "currency": lei if one.currency == LEI else one.currency}


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
