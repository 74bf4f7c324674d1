"""Where bills can be paid in person: a file of the deployment's, read once at the start (C4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from dialogs.facts import PayPoint
from engine.document import Node, read, unique

SAMPLE = Path(__file__).with_name("demo") / "pay_points.yaml"
MOST = 3
"""So many are told of: more nobody keeps in mind, and an SMS has no room for them."""
COUNTRY_CODE = 2

PayPoints = Mapping[str, Sequence[PayPoint]]
"""By country, in the order of the file: those that suit most people come first."""


def read_pay_points(path: Path) -> PayPoints:
    """The places in YAML, `points: [{name, address, country, hours}, ...]`. Raises DocumentError with the line."""
    found = defaultdict[str, list[PayPoint]](list)
    nodes, labels = read(path).mapping(("points",))["points"].items(), []
    for node in nodes:
        keys = node.mapping(("name", "address", "country"), ("hours",))
        hours = keys["hours"].text() if "hours" in keys else ""
        point = PayPoint(keys["name"].text(), keys["address"].text(), hours)
        found[_country(keys["country"])].append(point)
        labels.append(f"{point.name}, {point.address}")
    unique(nodes, labels, "places")
    return dict(found)


def near(points: PayPoints, country: str | None) -> tuple[PayPoint, ...]:
    """The first few of a country; none where it is not known."""
    return tuple(points.get(country or "", ())[:MOST])


def _country(node: Node) -> str:
    code = node.text()
    if len(code) != COUNTRY_CODE or not code.isalpha() or not code.isupper():
        raise node.wrong(f"'{code}' is not a country; write its two letters, such as RO")
    return code
