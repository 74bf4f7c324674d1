"""What the carriers really took, read from their journals as they write them: the truth a trial is judged by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bot.prove.trial import Ground
from channels.sandbox.journal import Entry
from engine.contact import ChannelKind

CARRIERS = {"twilio": ChannelKind.SMS, "mail": ChannelKind.EMAIL, "telegram": ChannelKind.TELEGRAM}
TAKEN = {"sms", "mail", "chat"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A message a carrier took. `attempt` is the try of ours that it carries; a chat carries none."""

    channel: ChannelKind
    to: str
    attempt: UUID | None


class Journals:
    """The journals of all carriers; `kept` is what they took by the last look, `stopped` who wrote STOP by then."""

    def __init__(self, ground: Ground) -> None:
        self._files = {ground.journal(name): channel for name, channel in CARRIERS.items()}
        self._read = dict.fromkeys(self._files, 0)
        self.kept: list[Kept] = []
        self.stopped: list[str] = []

    def look(self) -> Sequence[Kept]:
        """Read on. All that was taken so far."""
        for file, channel in self._files.items():
            entries = [json.loads(line) for line in self._lines(file)]
            self.kept += [_kept(channel, entry) for entry in entries if entry["event"] in TAKEN]
            self.stopped += [entry["sender"] for entry in entries if entry["event"] == "received"]
        return self.kept

    def _lines(self, file: Path) -> list[bytes]:
        if not file.exists():
            return []
        with file.open("rb") as journal:
            journal.seek(self._read[file])
            whole = journal.read()
        whole = whole[: whole.rfind(b"\n") + 1]
        self._read[file] += len(whole)
        return whole.splitlines()


def _kept(channel: ChannelKind, entry: Entry) -> Kept:
    match channel:
        case ChannelKind.SMS:
            return Kept(channel, entry["to"], UUID(entry["callback"].rpartition("/")[2]))
        case ChannelKind.EMAIL:
            sender = entry["sender"].partition("@")[0]
            return Kept(channel, entry["to"], UUID(sender.removeprefix("bounce+")))
    return Kept(channel, entry["chat"], None)
