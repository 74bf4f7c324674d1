"""The console's files: our own and npm's, each at an address that changes with its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fastapi import HTTPException, Response

ROOT = Path(__file__).parents[2]
OURS = Path(__file__).parent / "static"
MODULES = ROOT / "node_modules"
FILES = {
    "console.css": OURS / "console.css",
    "forms.css": OURS / "forms.css",
    "console.js": OURS / "console.js",
    "icon.svg": OURS / "icon.svg",
    "htmx.js": MODULES / "htmx.org" / "dist" / "htmx.min.js",
    "idiomorph.js": MODULES / "idiomorph" / "dist" / "idiomorph-ext.min.js",
}
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    content: bytes
    media_type: str


class Assets:
    """The files that are there, read once, to be served `below` an address.

    Without npm's the console still reads and signs in.
    """

    def __init__(self, files: Mapping[str, Path] = FILES, below: str = "/console/assets") -> None:
        self._named: dict[str, str] = {}
        self._files: dict[str, Asset] = {}
        for name, path in files.items():
            if not path.is_file():
                continue
            content = path.read_bytes()
            stem, _, ending = name.rpartition(".")
            address = f"{stem}-{sha256(content).hexdigest()[:16]}.{ending}"
            self._named[name] = f"{below}/{address}"
            self._files[address] = Asset(content, TYPES[path.suffix])

    def address(self, name: str) -> str | None:
        """Where that file is; None where it was not installed."""
        return self._named.get(name)

    def response(self, address: str) -> Response:
        """The file at that address. Raises HTTPException 404."""
        asset = self._files.get(address)
        if asset is None:
            raise HTTPException(404)
        return Response(asset.content, media_type=asset.media_type, headers=FOR_EVER)
