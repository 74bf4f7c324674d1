"""The API of the systems around Amiable, over real HTTP: orders are read, and acknowledged once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from given import ORDERS
from loop import Loop, running_loop
from pydantic import ValidationError

from bot.routes.api import Refused, api_routes, refused
from bot.settings import Settings


@pytest.fixture
async def loop(database_url: str, now) -> AsyncIterator[Loop]:
    """Ana, whose service is ordered to be suspended."""
    async with running_loop(database_url, now, plan=ORDERS) as running:
        await running.decide()
        yield running


@pytest.fixture
async def system(loop: Loop) -> AsyncIterator[httpx.AsyncClient]:
    """The service system, which knows the token."""
    settings = loop.sandbox.settings
    headers = {"Authorization": f"Bearer {settings.api_token.get_secret_value()}"}
    async with httpx.AsyncClient(base_url=settings.public_url, headers=headers) as client:
        yield client


async def numbers(system: httpx.AsyncClient, **asked: int | str) -> list[int]:
    answer = await system.get("/api/orders", params=asked)
    assert answer.status_code == 200, answer.text
    return [order["id"] for order in answer.json()]


async def test_open_orders_are_read_in_order(system, now):
    answer = await system.get("/api/orders")
    assert answer.headers["content-type"] == "application/json"
    first, second = answer.json()
    assert first == {
        "id": first["id"],
        "order": "suspend_service",
        "client": "ana",
        "account": "ACC-1001",
        "service": "internet",
        "provider": "acme",
        "plan": "standard",
        "stage": "restriction",
        "owed": {"amount": "200.00", "currency": "RON"},
        "ordered_at": now.isoformat(),
    }
    assert second["order"] == "status_collections"
    assert await numbers(system, after=first["id"]) == [second["id"]]
    assert await numbers(system, limit=1) == [first["id"]]


async def test_an_order_is_acknowledged_once_and_the_same_again_is_no_fault(system, loop):
    first, second = await numbers(system)
    said = {"outcome": "done", "reference": "WO-17", "note": "port closed"}
    answers = [await system.post(f"/api/orders/{first}", json=said) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["outcome"] == "done"
    assert await numbers(system) == [second]
    assert await loop.asks("select status from accounts") == [("suspended",)]
    assert await loop.asks("select count(*) from case_events where kind = 'order_done'") == [(1,)]


async def test_a_contradiction_is_a_conflict_and_the_first_stands(system, loop):
    first, _ = await numbers(system)
    await system.post(f"/api/orders/{first}", json={"outcome": "done", "reference": "WO-17"})
    answer = await system.post(f"/api/orders/{first}", json={"outcome": "refused", "reference": "WO-17"})
    assert answer.status_code == 409
    assert "done, reference WO-17; the first acknowledgement stands" in answer.json()["error"]
    assert await loop.asks("select outcome from service_orders where outcome is not null") == [("done",)]


async def test_a_refusal_makes_a_task_for_a_person(system, loop):
    first, _ = await numbers(system)
    await system.post(f"/api/orders/{first}", json={"outcome": "refused", "note": "line under repair"})
    tasks = await loop.asks("select kind, reason from tasks")
    assert tasks == [("review", "order refused: suspend_service: line under repair")]
    assert await loop.asks("select status from accounts") == [("active",)]


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        (b"", 400, None),
        (b"outcome=done", 400, None),
        (b"[" * 9000, 400, None),
        (b"[]", 422, None),
        (b"{}", 422, "outcome"),
        (b'{"outcome": ["done"]}', 422, "outcome"),
        (b'{"outcome": "Done"}', 422, "outcome"),
        (b'{"outcome": "done", "ref": "1"}', 422, "ref"),
        (b'{"outcome": "done", "reference": 17}', 422, "reference"),
        (b'{"outcome": "done", "note": "a\\u0000b"}', 422, "note"),
        (b'{"outcome": "done", "note": "\\ud800"}', 422, "note"),
        (b'{"outcome": "done", "note": "%s"}' % (b"x" * 501), 422, "note"),
    ],
)
async def test_a_wrong_acknowledgement_is_refused_with_its_place_and_what_to_do(system, body, status, place):
    first, second = await numbers(system)
    answer = await system.post(f"/api/orders/{first}", content=body)
    assert answer.status_code == status, answer.text
    assert answer.json().get("place") == place
    assert answer.json()["error"]
    assert answer.json()["remedy"]
    assert await numbers(system) == [first, second]


async def test_a_body_beyond_all_measure_is_refused(system):
    first, _ = await numbers(system)
    answer = await system.post(f"/api/orders/{first}", content=b" " * 20_000)
    assert answer.status_code == 413
    assert answer.json()["remedy"] == "shorten the note"


@pytest.mark.parametrize("number", ["999", "0", "x", "-1", "1.5", "9" * 30])
async def test_an_unknown_order_is_not_found(system, number):
    answer = await system.post(f"/api/orders/{number}", json={"outcome": "done"})
    assert answer.status_code == 404
    assert "GET /api/orders" in answer.json()["remedy"]


@pytest.mark.parametrize(
    ("name", "value"), [("after", "x"), ("after", "-1"), ("after", "9" * 30), ("limit", "0"), ("limit", "501")]
)
async def test_a_wrong_question_is_refused_with_its_place(system, name, value):
    answer = await system.get("/api/orders", params={name: value})
    assert answer.status_code == 422
    assert answer.json()["place"] == name
    assert answer.json()["remedy"].startswith("write ")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic abc", "Bearer \u00e9"])
async def test_nobody_reads_or_acknowledges_without_the_token(system, header):
    first, second = await numbers(system)
    headers = {"Authorization": header.encode()} if header else {}
    async with httpx.AsyncClient(base_url=system.base_url, headers=headers) as stranger:
        answers = [
            await stranger.get("/api/orders"),
            await stranger.post(f"/api/orders/{first}", json={"outcome": "done"}),
        ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert await numbers(system) == [first, second]


async def test_without_a_token_in_the_settings_the_api_is_off_and_says_so(loop):
    web = FastAPI()
    web.include_router(api_routes(loop.sandbox.wired.app, ""))
    web.add_exception_handler(Refused, refused)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://amiable") as anybody:
        for header in ("", "Bearer ", "Bearer x"):
            answer = await anybody.get("/api/orders", headers={"Authorization": header})
            assert answer.status_code == 404
            assert "AMIABLE_API_TOKEN" in answer.json()["remedy"]


@pytest.mark.parametrize("token", ["x" * 31, "secret", " " * 40, "x" * 20 + " " + "x" * 20, "ț" * 40])
def test_a_token_that_can_be_guessed_or_cannot_be_sent_is_refused(token):
    with pytest.raises(ValidationError, match="at least 32 plain characters"):
        Settings(
            api_token=token, twilio_account_sid="x", twilio_auth_token="x", twilio_number="x", smtp_url="x",
            mail_domain="x", payments_url="x", payments_key="x", payments_webhook_secret="x",
        )  # fmt: skip
