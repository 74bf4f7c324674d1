"""What a sandbox carrier must not forget: a file of JSON lines, or nothing but memory when no file is given."""

from __future__ import annotations

import json
import os
from pathlib import Path

Entry = dict[str, str]


class Journal:
    """Append-only. Each write goes to the operating system at once, so a killed process loses none of it."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None

    def open(self) -> list[Entry]:
        """Make ready for writing and return what was written before; a line torn by a crash is dropped."""
        if self._path is None:
            return []
        self._path.parent.mkdir(parents=True, exist_ok=True)
        kept = self._path.read_bytes() if self._path.exists() else b""
        whole = kept[: kept.rfind(b"\n") + 1]
        self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.ftruncate(self._file, len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def write(self, *entries: Entry) -> None:
        """Keep the entries together, in one write."""
        if self._file is not None:
            lines = "".join(json.dumps(entry) + "\n" for entry in entries)
            os.write(self._file, lines.encode())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
