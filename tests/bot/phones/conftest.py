from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from visiting import Visitor, visiting


@pytest.fixture
async def visitor(database_url: str, now: datetime) -> AsyncIterator[Visitor]:
    async with visiting(database_url, now) as somebody:
        yield somebody
