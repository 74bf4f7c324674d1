"""Lines of a client's history as a debtor (A12)."""

from __future__ import annotations

from datetime import datetime

from engine.store.session import WriteSession
from engine.store.tables.casework import CaseEvent


def note(
    session: WriteSession,
    client: int,
    now: datetime,
    kind: str,
    /,
    *,
    case: int | None = None,
    **detail: int | str | None,
) -> None:
    """Add a line, of a case where it belongs to one; what is None goes unsaid. Amounts are minor units."""
    said = {name: value for name, value in detail.items() if value is not None}
    session.add(CaseEvent(client_id=client, case_id=case, at=now, kind=kind, detail=said))
