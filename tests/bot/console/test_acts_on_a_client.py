"""What operators do to a client's work by forms: done, told in the history, or refused with words on the page."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from given import PLAN, given_client, given_invoice, given_plans
from sqlalchemy import select

from bot.console.carrying import ACTS
from bot.ticks import day_tick
from engine.agreements.installments import request_installments
from engine.calendar import AnyHour
from engine.run import decide_clients
from engine.store.session import lock_clients
from engine.store.tables.casework import Case, Contact, DunningPause, Occasion
from engine.store.tables.ledger import Installment, Promise
from engine.store.tables.portfolio import Client, Invoice

ANA = "/console/clients/ana"
DO = f"{ANA}/acts"
RON = "\N{NO-BREAK SPACE}RON"


@pytest.fixture
async def worked(signed_in):
    """Ana's case has begun: reminder is entered, restriction follows ten days later."""
    await day_tick(signed_in.running.wired.app, signed_in.clock())
    await signed_in.running.settle()
    return signed_in


async def done(desk, act: str, **fields: str) -> str:
    """Ana's page after Olga has done something by its form."""
    answer = await desk.olga.press(f"{DO}/{act}", ANA, **{"reason": "asked by phone", **fields})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(ANA)
    return await desk.olga.see(ANA)


async def refused(desk, act: str, **fields: str) -> str:
    answer = await desk.olga.press(f"{DO}/{act}", ANA, **fields)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert "<title>Error: Ana" in answer.text
    return answer.text


async def number(desk, column) -> int:
    async with desk.database.read() as session:
        return await session.scalar(select(column).order_by(column.desc()))


async def test_a_pause_is_told_explains_the_silence_and_ends(worked):
    page = await done(worked, "pause", days="7", reason="in hospital")
    assert "Olga Marin paused all work until 18 Mar 2026: in hospital" in page
    assert "paused until 18 Mar" in page
    assert "Paused until 18 Mar 2026: in hospital, by Olga Marin." in page
    assert "Stage reminder was entered: conditional debt 120.50 RON reaches the 50.00 RON it needs." in page
    page = await done(worked, "end-pause", pause=str(await number(worked, DunningPause.id)), reason="she is back")
    assert "Olga Marin ended a pause" in page
    assert "she is back" in page
    assert "paused until" not in page.split('id="timeline"')[0]


async def test_a_contact_that_is_planned_waits_for_the_end_of_the_pause(signed_in):
    await day_tick(signed_in.running.wired.app, signed_in.clock())
    page = await done(signed_in, "pause", days="7")
    assert "reminder by SMS, Email, after the pause" in page
    await signed_in.running.settle()
    assert signed_in.texts == []


async def test_an_exempted_invoice_freezes_and_thaws(worked):
    page = await done(worked, "exempt", what=f"invoice-{await number(worked, Invoice.id)}", until="2026-04-15")
    assert f"0.00{RON}</span></strong>" in page
    assert "exempted until 15 Apr" in page
    assert "I1 · asked by phone · by Olga Marin" in page
    assert "suspended" in page
    page = await done(worked, "end-exemption", exemption="1", reason="the line works again")
    assert f"120.50{RON}</span></strong>" in page
    assert "Olga Marin ended an exemption" in page
    assert "the line works again" in page


async def test_everything_and_a_single_account_can_be_exempted(worked):
    account = (await worked.olga.see(ANA)).split('value="account-')[1].split('"')[0]
    page = await done(worked, "exempt", what=f"account-{account}")
    assert "exempted" in page
    page = await done(worked, "end-exemption", exemption="1")
    page = await done(worked, "exempt", what="all")
    assert "Olga Marin held everything of the client out of the work: asked by phone" in page


async def test_a_case_is_moved_and_its_stage_acts_at_once(worked):
    page = await done(worked, "move", stage="restriction", reason="agreed with the provider")
    assert "Olga Marin moved the case to stage restriction: agreed with the provider" in page
    assert '<li class="now" aria-current="step"><span class="dot" aria-hidden="true"></span><span>restriction' in page
    assert "ordered: suspend service" in page
    assert "restriction is the last stage of the plan: nothing follows by itself." in page


async def test_a_stage_is_skipped_held_and_brought_back(worked):
    page = await done(worked, "skip", stage="restriction")
    assert '<li class="skipped">' in page
    assert "Olga Marin took stage restriction out of the case: asked by phone" in page
    page = await done(worked, "resume", stage="restriction")
    assert '<li class="next">' in page
    page = await done(worked, "hold", stage="restriction", until="2026-04-02")
    assert "held until 2 Apr" in page
    assert "restriction, 2 Apr at the earliest" in page
    assert "Stage restriction is held back until 2 Apr 2026: asked by phone, by Olga Marin." in page


async def test_a_contact_is_added_by_the_channels_ticked(worked):
    page = await done(worked, "contact", script="reminder", email="yes")
    assert "Olga Marin added the contact reminder: asked by phone" in page
    async with worked.database.read() as session:
        added = await session.scalar(select(Contact).where(Contact.occasion == Occasion.ADDED))
    assert (added.script, added.channels) == ("reminder", ["email"])
    page = await refused(worked, "contact", script="stranger", reason="why not")
    assert "Tick at least one channel." in page
    assert "Choose one of the scripts of the list." in page


async def test_a_case_comes_to_the_version_in_force(worked):
    assert f"{DO}/version" not in await worked.olga.see(ANA)
    async with worked.database.write() as session:
        await given_plans(session, PLAN.replace("after_days: 10", "after_days: 20"))
    assert "Use version 2 of the plan" in await worked.olga.see(ANA)
    page = await done(worked, "version")
    assert "Olga Marin moved the case to version 2 of its plan: asked by phone" in page
    assert "restriction, 31 Mar at the earliest" in page


async def test_a_promise_is_recorded_for_the_client_and_withdrawn(worked):
    page = await done(
        worked, "promise", amount="50.50", currency="RON", until="2026-03-20", promiser="Mihai", reason="called us"
    )
    assert f'<span class="money">70.00{RON}</span></strong>' in page
    assert "promised until 20 Mar" in page
    assert "Olga Marin recorded the promise: called us" in page
    assert "by Mihai" in page
    page = await done(worked, "withdraw", promise=str(await number(worked, Promise.id)), reason="said in error")
    assert "Olga Marin withdrew the promise of" in page
    assert "said in error" in page
    assert f"{DO}/withdraw" not in page


async def asks_for_parts(desk) -> None:
    async with desk.database.write() as session:
        ana = await session.scalar(select(Client.id))
        await lock_clients(session, [ana])
        await request_installments(session, ana, "RON", 3, desk.clock(), "sms")


async def test_a_wish_for_parts_is_granted_with_parts_of_any_size(worked):
    await asks_for_parts(worked)
    page = await worked.olga.see(ANA)
    assert "asks to pay in 3 parts" in page
    assert 'name="amount-1" value="40.18"' in page
    parts = {"due-1": "2026-03-20", "amount-1": "100", "due-2": "2026-04-20", "amount-2": "20.50"}
    page = await done(worked, "grant", **parts, reason="pays ever since 2019")
    assert "Olga Marin granted the wish to pay in parts: pays ever since 2019" in page
    assert "asks to pay in 3 parts</span>" not in page
    async with worked.database.read() as session:
        rows = (await session.scalars(select(Installment).order_by(Installment.no))).all()
    assert [(row.due, row.amount) for row in rows] == [(date(2026, 3, 20), 10000), (date(2026, 4, 20), 2050)]


async def test_a_wish_for_parts_is_refused_with_a_reason(worked):
    await asks_for_parts(worked)
    page = await refused(worked, "grant", **{"due-1": "2020-01-01", "amount-1": "x"})
    for fault in ("Choose today or a later day within a year.", "Give a sum above 0 in RON", "Say why"):
        assert fault in page
    page = await done(worked, "refuse", reason="three plans were broken")
    assert "Olga Marin refused the wish to pay in parts: three plans were broken" in page


@pytest.mark.parametrize(
    ("act", "fields", "fault"),
    [
        ("pause", {"days": "0"}, "Give a number of days from 1 to 366."),
        ("pause", {"days": "٣"}, "Give a number of days from 1 to 366."),
        ("move", {}, "Choose a stage."),
        ("hold", {"stage": "restriction", "until": "2026-03-11"}, "Choose tomorrow or a later day within a year."),
        ("exempt", {"what": "invoice-x"}, "Choose what is exempted."),
        ("exempt", {"what": "all", "until": "soon"}, "Give a day, such as 2026-04-15."),
        ("promise", {"currency": "EUR"}, "Choose one of the client&#39;s currencies."),
        ("promise", {"currency": "RON", "amount": "-3"}, "Give a sum above 0 in RON, such as 120.50."),
    ],
)
async def test_a_form_that_makes_no_sense_is_told_by_the_field_and_keeps_what_was_typed(worked, act, fields, fault):
    page = await refused(worked, act, **fields, reason="<b>because</b>")
    assert fault in page
    assert 'aria-invalid="true"' in page
    assert "&lt;b&gt;because&lt;/b&gt;" in page
    assert "Nothing has been changed." in page


@pytest.mark.parametrize("act", ["pause", "move", "exempt", "promise"])
async def test_nothing_is_done_without_a_reason(worked, act):
    page = await refused(worked, act, days="3", stage="restriction", what="all", currency="RON")
    assert "Say why: the reason stays in the client&#39;s history." in page
    async with worked.database.read() as session:
        assert await session.scalar(select(DunningPause.id)) is None
        assert await session.scalar(select(Case.stage)) == 0


async def test_who_comes_second_is_told(worked):
    page = await done(worked, "pause", days="3")
    pause = str(await number(worked, DunningPause.id))
    token = page.split('name="token" value="')[1].split('"')[0]
    form = {"token": token, "form": "end-pause", "pause": pause, "reason": "over"}
    first, second = [await worked.olga.web.post(f"{DO}/end-pause", data=form) for _ in range(2)]
    assert first.status_code == 303
    assert second.status_code == 422
    assert "That pause is over already." in second.text


async def test_a_form_reaches_only_what_is_the_clients_own(worked):
    async with worked.database.write() as session:
        dan = await given_client(session, "dan")
        await given_invoice(session, dan, "D1", "90", date(2026, 2, 1), account="B1")
        await decide_clients(session, [dan], worked.clock(), AnyHour())
    page = await worked.olga.see("/console/clients/dan")
    token = page.split('name="token" value="')[1].split('"')[0]
    case = page.split('id="case-')[1].split('"')[0]
    invoice = str(await number(worked, Invoice.id))
    for act, field in (("move", {"case": case, "stage": "restriction"}), ("exempt", {"what": f"invoice-{invoice}"})):
        answer = await worked.olga.web.post(f"{DO}/{act}", data={"token": token, "reason": "x", "form": act, **field})
        assert answer.status_code == 422, act


@pytest.mark.parametrize("act", sorted(ACTS))
async def test_an_act_needs_a_form_of_our_own_page(worked, act):
    answer = await worked.olga.web.post(f"{DO}/{act}", data={"reason": "x", "days": "3"})
    assert answer.status_code == 403


async def test_an_unknown_act_or_client_is_a_page_with_a_way_on(worked):
    page = await worked.olga.see(ANA)
    token = page.split('name="token" value="')[1].split('"')[0]
    for path in (f"{DO}/forgive", "/console/clients/nobody/acts/pause"):
        answer = await worked.olga.web.post(path, data={"token": token, "reason": "x"})
        assert answer.status_code == 404
        assert "Go back" in answer.text


async def test_a_day_can_be_explained(worked):
    worked.later(timedelta(days=2))
    await worked.olga.sign_in("olga")
    page = await worked.olga.see(f"{ANA}?why=2026-03-11")
    assert "on 11 Mar" in page
    assert "Stage reminder was entered" in page
    assert "That day has not come" in await worked.olga.see(f"{ANA}?why=2026-09-01")
    assert "That is no day" in await worked.olga.see(f"{ANA}?why=yesterday")
    assert "Nothing was known of ana on 1 Jan 2001" in await worked.olga.see(f"{ANA}?why=2001-01-01")


async def test_several_plans_stand_apart(signed_in):
    both = PLAN.replace("    stages:", "    include: {services: [internet]}\n    stages:", 1)
    water = (
        both.split("plans:\n")[1].replace("plan: standard", "plan: water").replace("standard: true", "standard: false")
    )
    async with signed_in.database.write() as session:
        await given_plans(session, both + water.replace("[internet]", "[water]"))
        ana = await session.scalar(select(Client))
        ana.plans = ["standard", "water"]
        await given_invoice(session, ana.id, "W1", "80", date(2026, 2, 1), account="W", service="water")
    await day_tick(signed_in.running.wired.app, signed_in.clock())
    page = await signed_in.olga.see(ANA)
    assert 'aria-label="Debt on standard in RON"' in page
    assert 'aria-label="Debt on water in RON"' in page
    assert page.count('<ol class="steps">') == 2
    cases = [part.split('"')[0] for part in page.split('id="case-')[1:]]
    answer = await signed_in.olga.press(f"{DO}/move", ANA, case=cases[1], stage="restriction", reason="water only")
    assert answer.status_code == 303
    async with signed_in.database.read() as session:
        stages = {case.plan_name: case.stage for case in await session.scalars(select(Case))}
    assert stages == {"standard": 0, "water": 1}
