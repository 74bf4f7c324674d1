"""Sums of money as scenarios write them: in major units of the scenario's currency."""

from __future__ import annotations

from engine.document import Node
from engine.money import BadAmount, Money, money


def amount_of(node: Node, currency: str, least: int = 1) -> Money:
    """An amount of at least so many minor units. Raises DocumentError."""
    try:
        amount = money(node.text(), currency)
    except BadAmount as error:
        raise node.wrong(str(error)) from error
    if amount.minor < least:
        raise node.wrong(
            "the amount must be above zero: write a sum such as 40"
            if least
            else "the amount cannot be negative; write 0 or more"
        )
    return amount
