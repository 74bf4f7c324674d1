from __future__ import annotations

from bot.bench.figures import Asked
from bot.bench.turn import bench
from bot.settings import StoreSettings


async def test_turns_are_measured_beside_the_bare_reading_of_their_replies() -> None:
    watched: list[str] = []
    asked = Asked(StoreSettings(), 40, profile=False, watch=lambda what, done, total: watched.append(what))
    (figures,) = [one async for one in bench(asked)]
    said = figures.as_json()
    assert said["bench"] == "turn"
    assert said["replies"] > 100
    assert said["mean_ms"] > 0
    assert figures.baseline.seconds > 0
    assert watched == ["turns", "reading alone"]
