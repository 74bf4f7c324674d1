"""A relay's own log says that it took a mail whose answer was lost; it never says that it did not."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest

from channels.email import EmailChannel, EmailSettings
from channels.maillog import BLOCK, FURTHEST
from channels.port import CANNOT_TELL, CannotTell, Receipt, Sought

ATTEMPT = UUID("8251e794-aa90-4704-813d-f579c049b57a")
MESSAGE, NOW = f"<{ATTEMPT}@amiable.test>", datetime(2026, 3, 11, 8, 0, tzinfo=UTC)
READ = f"Mar 11 10:00:01 mx postfix/cleanup[71]: 4Zk1x24Zz1: message-id={MESSAGE}\n"
OTHER = "Mar 11 10:00:01 mx postfix/qmgr[9]: 5Ab2y35Aa2: from=<billing@amiable.test>, size=812 (queue active)\n"
TAKEN = OTHER.replace("5Ab2y35Aa2", "4Zk1x24Zz1")


async def find(log: Path | None) -> Receipt | CannotTell:
    settings = EmailSettings("smtp://127.0.0.1:9", "amiable.test", "Acme", log=log)
    return await EmailChannel(settings, lambda: NOW).find(Sought(ATTEMPT, "ana@example.com", b""), NOW)


@pytest.mark.parametrize("lines", [READ + OTHER + TAKEN, OTHER + READ + TAKEN + OTHER])
async def test_what_is_in_the_queue_was_taken(tmp_path: Path, lines: str) -> None:
    (tmp_path / "mail.log").write_text(lines)
    assert await find(tmp_path / "mail.log") == Receipt(MESSAGE)


@pytest.mark.parametrize("lines", ["", OTHER, READ, READ + OTHER, TAKEN + READ])
async def test_nothing_else_means_anything(tmp_path: Path, lines: str) -> None:
    (tmp_path / "mail.log").write_text(lines)
    assert await find(tmp_path / "mail.log") is CANNOT_TELL


async def test_the_log_before_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "mail.log.1").write_text(READ + TAKEN)
    assert await find(tmp_path / "mail.log") == Receipt(MESSAGE)


@pytest.mark.parametrize("shift", range(0, len(READ) + 2, 9))
async def test_lines_across_blocks_are_found(tmp_path: Path, shift: int) -> None:
    rest = (OTHER * (BLOCK // len(OTHER) + 1))[: BLOCK - shift]
    (tmp_path / "mail.log").write_text(OTHER * 20_000 + READ + rest[: -len(TAKEN)] + TAKEN)
    assert await find(tmp_path / "mail.log") == Receipt(MESSAGE)


async def test_the_line_that_follows_is_found_across_blocks(tmp_path: Path) -> None:
    for shift in range(0, len(TAKEN), 7):
        between = (OTHER * (BLOCK // len(OTHER) + 1))[: BLOCK - len(READ) - shift]
        (tmp_path / "mail.log").write_text(READ + between + TAKEN + OTHER)
        assert await find(tmp_path / "mail.log") == Receipt(MESSAGE)


async def test_a_log_is_read_so_far_back_and_no_further(tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_text(READ + TAKEN)
    with (tmp_path / "mail.log").open("r+b") as log:
        log.truncate(FURTHEST + 2 * BLOCK)
    assert await find(tmp_path / "mail.log") is CANNOT_TELL


class CutOff(BytesIO):
    """A log that is emptied as soon as its length was asked for."""

    def seek(self, offset: int, whence: int = 0) -> int:
        end = super().seek(offset, whence)
        self.truncate(0)
        return end


async def test_a_log_that_is_cut_off_while_it_is_read_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "open", lambda *_: CutOff((READ + TAKEN).encode()))
    assert await find(tmp_path / "mail.log") is CANNOT_TELL


async def test_without_a_log_nobody_can_tell(tmp_path: Path) -> None:
    assert await find(None) is CANNOT_TELL
    assert await find(tmp_path) is CANNOT_TELL
