"""Every table, gathered: importing this is what makes the metadata whole."""

from __future__ import annotations

from engine.store.tables import casework, ledger, linking, people, portfolio, running, silence, talk
from engine.store.tables.base import Base

METADATA = Base.metadata
TOPICS = (portfolio, ledger, casework, talk, people, linking, running, silence)
