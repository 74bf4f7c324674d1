"""Clusters of root that no data directory names any more."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

from engine.store.home import CLUSTER_ID, OWNER, STARTING, USERS, Busy, Home, locked
from engine.store.postmaster import live_postmaster

KEPT_SECONDS = 30 * 24 * 3600.0


def remove_orphans(system_dir: Path, alive: Home) -> None:
    """Remove those that have no running server. The caller holds the lock on `system_dir`.

    A scratch cluster goes at once. A durable one holds somebody's ledger, and its marker may only have been moved or
    not be mounted: it stays until nobody has used it for 30 days, counted back from the use of `alive`.
    """
    latest = (alive.path / OWNER).stat().st_mtime
    for path in (system_dir / "clusters").iterdir():
        if path != alive.path and CLUSTER_ID.fullmatch(path.name) and _is_orphan(path, latest):
            _remove_unused(path)


def _is_orphan(path: Path, latest: float) -> bool:
    owner = path / OWNER
    if not owner.exists():
        return True
    marker, _, kind = owner.read_text().rstrip("\n").rpartition("\n")
    if Path(marker).exists() and Path(marker).read_text().strip() == path.name:
        return False
    return kind == "scratch" or latest - owner.stat().st_mtime > KEPT_SECONDS


def _remove_unused(path: Path) -> None:
    with ExitStack() as held:
        try:
            held.enter_context(locked(path / STARTING, wait=False))
            held.enter_context(locked(path / USERS, wait=False))
        except Busy:
            return
        if live_postmaster(path / "data") is None:
            shutil.rmtree(path)
