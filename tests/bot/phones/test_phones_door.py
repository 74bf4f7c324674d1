"""Where the phones are and where they are not: the demo only, this machine only, behind the console's door."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime

import pytest
from fastapi import HTTPException, Request
from visiting import HOME, Visitor, visitor_of

from bot.clock import SimulatedClock
from bot.phones.routes import from_this_machine
from bot.sandbox import sandbox
from engine.calendar import AnyHour


async def test_the_application_itself_has_no_phones(database_url: str, now: datetime) -> None:
    clock = SimulatedClock(now)
    async with sandbox(database_url, clock, AnyHour(), timezone="Europe/Bucharest") as running:
        visitor = await visitor_of(running, clock)
        assert HOME not in await visitor.sees("/console/")
        await visitor.sees(HOME, 404)
        await visitor.sees(f"{HOME}/ana", 404)
        await visitor.web.aclose()


def test_what_serves_the_application_does_not_even_know_of_phones() -> None:
    """Neither phones nor sandbox carriers are imported by the web application and its wiring."""
    look = "import sys, bot.server, bot.wiring; print([m for m in sys.modules if '.phones' in m or '.sandbox' in m])"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


async def test_the_demo_has_them_in_its_rail(visitor: Visitor) -> None:
    assert f'href="{HOME}"' in await visitor.sees("/console/")


async def test_who_is_not_signed_in_is_sent_to_the_door(visitor: Visitor) -> None:
    visitor.web.cookies.clear()
    for path in (HOME, f"{HOME}/ana", f"{HOME}/ana/screens"):
        answer = await visitor.web.get(path)
        assert answer.headers["location"].startswith("/console/sign-in")


async def test_a_form_of_another_site_does_nothing(visitor: Visitor) -> None:
    forged = await visitor.web.post(f"{HOME}/ana/write/sms", data={"words": "I give up"})
    assert forged.status_code == 403
    elsewhere = await visitor.web.post(f"{HOME}/ana/join", data={}, headers={"origin": "http://evil.example"})
    assert elsewhere.status_code == 403
    assert await visitor.asks("select count(*) from telegram_links") == [(0,)]


async def test_a_page_runs_no_script_but_the_files_it_names(visitor: Visitor) -> None:
    answer = await visitor.web.get(f"{HOME}/ana")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "frame-src 'self'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    files = re.findall(rf'(?:href|src)="({HOME}/files/[^"]+)"', answer.text)
    assert [file.rpartition(".")[2] for file in files] == ["css", "js"]
    for file in files:
        assert (await visitor.web.get(file)).status_code == 200


@pytest.mark.parametrize(("host", "let_in"), [("127.0.0.1", True), ("::1", True), ("10.0.0.7", False), ("ana", False)])
async def test_only_this_machine_is_let_in(host: str, let_in: bool) -> None:
    request = Request({"type": "http", "client": (host, 1)})
    if let_in:
        await from_this_machine(request)
    else:
        with pytest.raises(HTTPException):
            await from_this_machine(request)
