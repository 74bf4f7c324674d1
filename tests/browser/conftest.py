"""A real Chromium. Where none can be had the tests fail and say so; they are never skipped."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from consoles import desk, escalated
from playwright.async_api import Browser, Error, async_playwright, expect

__all__ = ["desk", "escalated"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NONE = (
    "The browser tests need Chromium: none is on PATH, and neither apt-get nor `playwright install chromium` brought "
    "one. Install Debian's chromium, or any Chromium or Chrome, and run them again."
)


# A busy machine shows things late. What never comes still fails the test, and says what was waited for.
expect.set_options(timeout=30_000)


def _on_path() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def _installed() -> str | None:
    """Debian's Chromium where we may install it."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
    return _on_path()


def _found() -> str | None:
    """Where Chromium is; None for the one playwright keeps itself. Two workers never install at once."""
    with (Path(tempfile.gettempdir()) / f"amiable-chromium-{os.getuid()}").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        path = _on_path() or _installed()
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        if path is None and subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.fail(NONE)
    return path


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = _found()
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error as error:
            pytest.fail(f"{NONE} What was found did not start: {error.message.splitlines()[0]}")
        yield browser
        await browser.close()
