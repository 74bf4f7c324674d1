"""Lines of a client's history as a debtor (A12)."""

from __future__ import annotations

from datetime import datetime

from engine.store.session import WriteSession
from engine.store.tables.casework import CaseEvent


def note(session: WriteSession, client: int, now: datetime, kind: str, **detail: int | str | None) -> None:
    """Add a line; what is None goes unsaid. Amounts are minor units."""
    said = {name: value for name, value in detail.items() if value is not None}
    session.add(CaseEvent(client_id=client, at=now, kind=kind, detail=said))
