"""Who may look, and from where something may be done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.console.passwords import WeakPassword, hashed
from bot.console.patience import Patience
from bot.console.signing import inside
from bot.console.users import LoginTaken, add_user, disable_user, one_time_link


async def test_nobody_sees_a_page_without_signing_in(desk):
    for page in ("/console/", "/console/inbox/waiting", "/console/clients", "/console/clients/ana"):
        answer = await desk.olga.web.get(page)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in?ended=1&to=/console/")


async def test_a_password_lets_in_whatever_the_case_of_the_login(desk):
    answer = await desk.olga.sign_in("  OLGA ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("amiable=")
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Secure" not in cookie
    assert "Olga Marin" in await desk.olga.see("/console/")


async def test_a_wrong_password_and_an_unknown_login_read_the_same(desk):
    wrong = await desk.olga.sign_in("olga", "not her password at all")
    unknown = await desk.olga.sign_in("nobody", "not her password at all")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace('value="olga"', "") == unknown.text.replace('value="nobody"', "")
    assert "set-cookie" not in wrong.headers


def test_each_failure_after_the_third_waits_longer_and_success_forgets_them(now):
    patience = Patience()
    waits = [patience.failed(("login:olga",), now) for _ in range(9)]
    assert waits == [0.5, 0.5, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert patience.failed(("login:ion",), now) == 0.5
    patience.succeeded(("login:olga",))
    assert patience.failed(("login:olga",), now) == 0.5


async def test_half_an_hour_of_silence_ends_a_session_and_a_click_prolongs_it(signed_in):
    desk = signed_in
    for _ in range(3):
        desk.later(timedelta(minutes=29))
        await desk.olga.see("/console/")
    desk.later(timedelta(minutes=31))
    await desk.olga.see("/console/", status=303)


async def test_no_session_lives_longer_than_twelve_hours(signed_in):
    desk = signed_in
    for _ in range(29):
        desk.later(timedelta(minutes=25))
        answer = await desk.olga.web.get("/console/")
    assert answer.status_code == 303


async def test_signing_out_ends_the_session_on_the_server(signed_in):
    desk = signed_in
    kept = dict(desk.olga.web.cookies)
    await desk.olga.press("/console/sign-out", "/console/")
    desk.olga.web.cookies.update(kept)
    await desk.olga.see("/console/", status=303)


async def test_disabling_a_user_ends_their_sessions_at_once(signed_in):
    desk = signed_in
    async with desk.database.write() as session:
        await disable_user(session, "olga", desk.clock())
    await desk.olga.see("/console/", status=303)
    assert (await desk.olga.sign_in("olga")).status_code == 401


async def test_a_one_time_link_is_not_used_up_by_looking_and_signs_in_once(desk):
    async with desk.database.write() as session:
        link = await one_time_link(session, "olga", desk.url, desk.clock())
    path = link.removeprefix(desk.url)
    for _ in range(2):
        assert "signs you in once" in await desk.olga.see(path)
    assert (await desk.olga.web.post(path)).headers["location"] == "/console/"
    await desk.olga.see("/console/")
    again = await desk.ion.web.post(path)
    assert again.status_code == 410
    assert "set-cookie" not in again.headers
    assert "used up" in await desk.ion.see(path, status=410)


async def test_a_one_time_link_dies_after_a_day(desk):
    async with desk.database.write() as session:
        link = await one_time_link(session, "olga", desk.url, desk.clock())
    desk.later(timedelta(hours=24, seconds=1))
    assert (await desk.olga.web.post(link.removeprefix(desk.url))).status_code == 410


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://elsewhere.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
        {},
    ],
)
async def test_a_form_of_another_site_changes_nothing(signed_in, headers):
    desk = signed_in
    for name in ("origin", "sec-fetch-site"):
        desk.olga.web.headers.pop(name, None)
    token = (await desk.olga.see("/console/")).split('name="token" value="')[1].split('"')[0]
    answer = await desk.olga.web.post("/console/sign-out", data={"token": token}, headers=headers)
    assert answer.status_code == 403
    await desk.olga.see("/console/")


@pytest.mark.parametrize("token", ["", "0" * 64, "ё"])
async def test_a_form_without_the_sessions_own_token_changes_nothing(signed_in, token):
    answer = await signed_in.olga.web.post("/console/sign-out", data={"token": token})
    assert answer.status_code == 403
    await signed_in.olga.see("/console/")


async def test_a_token_of_one_session_is_no_good_in_another(signed_in):
    theirs = (await signed_in.ion.see("/console/")).split('name="token" value="')[1].split('"')[0]
    assert (await signed_in.olga.web.post("/console/sign-out", data={"token": theirs})).status_code == 403


def test_a_link_to_another_site_leads_home():
    assert inside("/console/clients/ana?talk=1") == "/console/clients/ana?talk=1"
    for address in (
        "//evil.example",
        "https://evil.example",
        "/console/../..//evil",
        "/console\\evil",
        "/console/sign-in",
    ):
        assert inside(address) == "/console/"


async def test_pages_load_nothing_but_our_own_and_are_never_stored(signed_in):
    answer = await signed_in.olga.web.get("/console/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


async def test_a_login_is_taken_once_and_a_short_password_is_refused(desk):
    with pytest.raises(LoginTaken):
        async with desk.database.write() as session:
            await add_user(session, "OLGA", "Another", None, desk.clock())
    with pytest.raises(WeakPassword):
        hashed("too short")


async def test_the_look_is_switched_and_remembered(signed_in):
    assert 'data-look="auto"' in await signed_in.olga.see("/console/")
    await signed_in.olga.press("/console/look", "/console/")
    assert 'data-look="light"' in await signed_in.olga.see("/console/")
