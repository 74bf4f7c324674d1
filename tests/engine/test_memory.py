"""How much memory the embedded server takes for its buffers."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.store.memory import memory, shared_buffers


@pytest.mark.parametrize(
    ("there", "buffers"), [(0, 128), (1_024, 128), (8_192, 1_024), (24_000, 3_000), (512_000, 4_096)]
)
def test_buffers_are_an_eighth_within_limits(there: int, buffers: int) -> None:
    assert shared_buffers(there) == buffers


def test_a_containers_limit_counts_where_it_is_less_than_the_machine_has(tmp_path: Path) -> None:
    machine, limit = memory(tmp_path / "none"), tmp_path / "memory.max"
    assert machine > 0
    for told, there in (("max\n", machine), (str(64 * 2**20), 64), (str(2**62), machine)):
        limit.write_text(told)
        assert memory(limit) == there
