"""Every kind of line in a client's history reads as a sentence, and the line of stages says what really happened."""

from __future__ import annotations

import pytest
from given import THREE_STAGES, given_plans
from sqlalchemy import select

from bot.ticks import day_tick
from engine.store.tables.casework import CaseEvent
from engine.store.tables.portfolio import Client

ANA = "/console/clients/ana"
SUM = {"amount": 5050, "currency": "RON"}
STOPPED = {"what": "opted_out", "address": 1, "channel": "sms", "means": "word", "evidence": "twilio-sms:SM1"}

LINES = [
    ("stage_again", {"stage": 0, "conditional_debt": 900, "currency": "RON"}, "back to stage 1 of the plan: "),
    ("stage_again", {"stage": -1}, "no stage of the plan holds any more"),
    ("closed", {"ending": "worked"}, "case closed: its last stage has been worked"),
    ("closed", {"ending": "paid"}, "case closed: the debt is gone"),
    ("task_done", {"kind": "call", "result": "other", "note": "paid"}, "no need any more for the call task: paid"),
    ("promise_replaced", {**SUM, "replaced_by": 2}, "replaced by a later one"),
    ("promise_withdrawn", {**SUM, "reason": "cleared by other means"}, "promise withdrawn: "),
    ("promise_withdrawn", {**SUM, "reason": "a slip", "by": "Ion Rusu"}, "Ion Rusu withdrew the promise of "),
    ("installments_granted", {"request": 1}, "the plan’s policy granted the wish to pay in parts"),
    ("installments_paid", {"plan": 1}, "all installments are paid"),
    ("installments_cancelled", {"plan": 1, "reason": "asked to"}, "installment plan ended: asked to"),
    ("installments_replaced", {"plan": 1}, "installment plan replaced by a new one"),
    ("refund", {**SUM, "invoice": "I1"}, "paid on invoice I1"),
    ("payment_reversed", {**SUM, "payment": "P7"}, "payment P7 taken back by the bank: "),
    ("order_done", {"verb": "suspend_service", "account": "A1"}, "done by the other system: suspend service on"),
    ("order_refused", {"verb": "letter", "note": "no address"}, "refused by the other system: letter: no address"),
    ("unreachable", {"script": "reminder", "why": "sms, email"}, "could not be reached with “reminder”: sms, email"),
    ("paused", {"until": "2026-03-18", "by": "Ion Rusu", "reason": "a fire"}, "Ion Rusu paused all work until 18 Mar"),
    ("exempted", {"invoice": None, "until": None, "by": "Ion Rusu", "reason": "a fire"}, "Ion Rusu held everything of"),
    ("consent", STOPPED, "SMS: wants no more messages (said by word)"),
    ("consent", {**STOPPED, "what": "unusable", "means": "carrier", "reason": "30005"}, "(said by the carrier: 30005)"),
    ("consent", {**STOPPED, "means": "migration"}, "wants no more messages (known before this ledger was kept)"),
    ("something_new", {"reason": "nobody knows"}, "something new: nobody knows"),
]


@pytest.mark.parametrize(("kind", "detail", "words"), LINES)
async def test_a_line_of_the_history_reads_as_a_sentence(signed_in, kind, detail, words):
    async with signed_in.database.write() as session:
        ana = await session.scalar(select(Client.id))
        session.add(CaseEvent(client_id=ana, at=signed_in.clock(), kind=kind, detail=detail))
    assert words in await signed_in.olga.see(ANA)


async def test_who_granted_parts_is_told_by_name(signed_in):
    async with signed_in.database.write() as session:
        ana = await session.scalar(select(Client.id))
        detail = {"request": 1, "by": 2, "reason": "pays well"}
        session.add(CaseEvent(client_id=ana, at=signed_in.clock(), kind="installments_granted", detail=detail))
    assert "Ion Rusu granted the wish to pay in parts: pays well" in await signed_in.olga.see(ANA)


async def test_a_stage_that_was_moved_past_is_shown_as_left_out_and_may_still_be_entered(signed_in):
    async with signed_in.database.write() as session:
        await given_plans(session, THREE_STAGES)
    await day_tick(signed_in.running.wired.app, signed_in.clock())
    act = f"{ANA}/acts/move"
    await signed_in.olga.press(act, ANA, stage="restriction", reason="urgent")
    page = await signed_in.olga.see(ANA)
    assert page.count('<li class="past">') == 1
    assert '<li class="passed"><span class="dot" aria-hidden="true"></span><span>warning</span>' in page
    await signed_in.olga.press(act, ANA, stage="reminder", reason="too early")
    page = await signed_in.olga.see(ANA)
    assert "back to stage 1 of the plan" in page
    assert '<li class="past"><span class="dot" aria-hidden="true"></span><span>restriction</span>' in page
    assert '<li class="next"><span class="dot" aria-hidden="true"></span><span>warning</span>' in page
