"""What operators settle of a client's money by forms: booked, told in the history, or refused on the page."""

from __future__ import annotations

from datetime import date

import pytest
from given import given_client, given_invoice
from sqlalchemy import func, select

from bot.ticks import day_tick
from engine.agreements.disputes import dispute
from engine.agreements.installments import agree_installments
from engine.calendar import AnyHour
from engine.installment import Part
from engine.ledger import CLAIM, Received, receive
from engine.money import money
from engine.run import decide_clients
from engine.store.session import lock_clients
from engine.store.tables.casework import Case
from engine.store.tables.ledger import Dispute, InstallmentPlan, Payment
from engine.store.tables.portfolio import Client, Invoice

ANA = "/console/clients/ana"
DO = f"{ANA}/acts"
RON = "\N{NO-BREAK SPACE}RON"


@pytest.fixture
async def worked(signed_in):
    """Ana's case on her 120.50 has begun."""
    await day_tick(signed_in.running.wired.app, signed_in.clock())
    await signed_in.running.settle()
    return signed_in


async def happens(desk, what, *rest, **named):
    """Something of the ledger or the agreements befalls Ana, and she is decided."""
    async with desk.database.write() as session:
        ana = await session.scalar(select(Client.id).where(Client.ref == "ana"))
        await lock_clients(session, [ana])
        await what(session, ana, *rest, **named)
        await decide_clients(session, [ana], desk.clock(), AnyHour())


async def pays(desk, ref: str, amount: str, **how) -> None:
    async def book(session, ana: int) -> None:
        received = Received(ref, ana, money(amount, "RON"), desk.clock(), **{"source": "billing", **how})
        assert await receive(session, received, desk.clock())

    await happens(desk, book)


async def done(desk, act: str, **fields: str) -> str:
    answer = await desk.olga.press(f"{DO}/{act}", ANA, **{"reason": "asked by phone", **fields})
    assert answer.status_code == 303, answer.text
    return await desk.olga.see(ANA)


async def refused(desk, act: str, **fields: str) -> str:
    answer = await desk.olga.press(f"{DO}/{act}", ANA, **{"reason": "asked by phone", **fields})
    assert answer.status_code == 422
    assert "Nothing has been changed." in answer.text
    return answer.text


async def number(desk, column) -> str:
    async with desk.database.read() as session:
        return str(await session.scalar(select(column).order_by(column.desc())))


async def balance(desk) -> int:
    async with desk.database.read() as session:
        return int(await session.scalar(select(func.sum(Invoice.balance))))


async def case_is_open(desk) -> bool:
    async with desk.database.read() as session:
        return await session.scalar(select(Case.id).where(Case.closed_at.is_(None))) is not None


async def contested(desk, amount: str = "80") -> None:
    await happens(desk, dispute, money(amount, "RON"), "not mine", desk.clock(), int(await number(desk, Invoice.id)))


async def test_a_dispute_is_resolved_with_a_granted_sum(worked):
    await contested(worked)
    assert f"40.50{RON}</span></strong>" in await worked.olga.see(ANA)
    page = await done(worked, "resolve", dispute=await number(worked, Dispute.id), granted="30", reason="the meter")
    assert "Olga Marin resolved the dispute of" in page
    assert "the meter" in page
    assert f"90.50{RON}</span></strong>" in page, "what was not granted can be collected again"
    assert f"{DO}/resolve" not in page
    assert await balance(worked) == 90_50


async def test_a_dispute_resolved_in_full_closes_the_case_in_the_same_act(worked):
    await contested(worked, "120.50")
    await done(worked, "resolve", dispute=await number(worked, Dispute.id), granted="120.50")
    assert await balance(worked) == 0
    assert not await case_is_open(worked)


async def test_a_dispute_can_grant_nothing_and_never_more_than_was_disputed(worked):
    await contested(worked)
    which = await number(worked, Dispute.id)
    page = await refused(worked, "resolve", dispute=which, granted="80.01")
    assert "At most 80.00 RON can be granted: no more was disputed." in page
    assert "Give a sum of 0 or more in RON" in await refused(worked, "resolve", dispute=which, granted="-1")
    assert f"{DO}/resolve" in await worked.olga.see(ANA), "it is still open"
    await done(worked, "resolve", dispute=which, granted="0")
    assert await balance(worked) == 120_50


async def test_two_disputes_of_one_bill_make_no_credit_from_nothing(worked):
    await contested(worked)
    first = await number(worked, Dispute.id)
    await contested(worked)
    await done(worked, "resolve", dispute=first, granted="80")
    page = await refused(worked, "resolve", dispute=await number(worked, Dispute.id), granted="80")
    assert "At most 40.50 RON can be credited on invoice I1: its balance and what was paid on it." in page
    assert await balance(worked) == 40_50


async def test_a_claim_that_is_found_is_booked(worked):
    await pays(worked, "claim:1", "120.50", source=CLAIM, confirmed=False)
    page = await done(worked, "found", claim=await number(worked, Payment.id), reason="on the statement of 10 March")
    assert "Olga Marin found the payment of" in page
    assert "on the statement of 10 March" in page
    assert await balance(worked) == 0
    assert not await case_is_open(worked)


async def test_a_claim_that_is_not_found_can_be_collected_again(worked):
    await pays(worked, "claim:1", "100", source=CLAIM, confirmed=False)
    assert f"20.50{RON}</span></strong>" in await worked.olga.see(ANA)
    page = await done(worked, "not-found", claim=await number(worked, Payment.id))
    assert "Olga Marin did not find the payment of" in page
    assert f"120.50{RON}</span></strong>" in page
    assert f"{DO}/found" not in page


async def test_what_billing_has_announced_is_no_claim(worked):
    await pays(worked, "claim:1", "10", source=CLAIM, confirmed=False)
    await pays(worked, "B1", "20", confirmed=False)
    page = await refused(worked, "found", claim=await number(worked, Payment.id))
    assert "That claim has been settled already." in page


async def test_a_credit_memo_writes_an_invoice_down_and_only_money_becomes_credit(worked):
    invoice = await number(worked, Invoice.id)
    page = await refused(worked, "memo", invoice=invoice, amount="600")
    assert "At most 120.50 RON can be credited on invoice I1" in page
    await pays(worked, "B1", "100")
    page = await done(worked, "memo", invoice=invoice, amount="50", reason="a wrong tariff")
    assert "Olga Marin credited" in page
    assert "on invoice I1: a wrong tariff" in page
    assert f'29.50{RON}</span> <span class="quiet">in credit' in page
    assert not await case_is_open(worked)


async def test_a_payment_is_taken_back_once(worked):
    await pays(worked, "B1", "120.50")
    assert not await case_is_open(worked)
    what = f"payment-{await number(worked, Payment.id)}"
    page = await done(worked, "take-back", what=what, reason="a stolen card")
    assert "payment B1 taken back by Olga Marin: " in page
    assert "a stolen card" in page
    assert f"120.50{RON}</span></strong>" in page
    assert f"{DO}/take-back" not in page
    assert await case_is_open(worked)
    await pays(worked, "B2", "10")
    assert "That was taken back already" in await refused(worked, "take-back", what=what)


async def test_what_was_paid_on_an_invoice_is_taken_back(worked):
    await pays(worked, "B1", "70.50")
    page = await done(worked, "take-back", what=f"invoice-{await number(worked, Invoice.id)}")
    assert "Olga Marin took back: " in page
    assert "paid on invoice I1: asked by phone" in page
    assert await balance(worked) == 120_50


async def test_an_installment_plan_ends_with_a_reason(worked):
    parts = [Part(date(2026, 3, 20), 60_00), Part(date(2026, 4, 20), 60_50)]
    await happens(worked, agree_installments, "RON", parts, worked.clock())
    assert f"0.00{RON}</span></strong>" in await worked.olga.see(ANA)
    page = await done(worked, "end-installments", plan=await number(worked, InstallmentPlan.id), reason="moved away")
    assert "Olga Marin ended the installment plan: moved away" in page
    assert f"120.50{RON}</span></strong>" in page
    assert f"{DO}/end-installments" not in page


@pytest.mark.parametrize("what", ["invoice-999", "payment-x", "wallet-1", ""])
async def test_only_what_is_the_clients_own_is_taken_back(worked, what):
    await pays(worked, "B1", "10")
    page = await refused(worked, "take-back", what=what)
    assert ("That belongs to another client" if what else "Choose what is taken back.") in page


async def test_money_of_another_client_is_out_of_reach(worked):
    async with worked.database.write() as session:
        dan = await given_client(session, "dan")
        foreign = str(await given_invoice(session, dan, "D1", "90", date(2026, 2, 1), account="B1"))
    page = await refused(worked, "memo", invoice=foreign, amount="5")
    assert "That belongs to another client" in page


async def test_nothing_is_settled_without_a_reason(worked):
    page = await refused(worked, "memo", invoice=await number(worked, Invoice.id), amount="5", reason=" ")
    assert "Say why" in page
    assert await balance(worked) == 120_50


async def test_a_dispute_told_by_telephone_is_noted_up_to_what_is_free(worked) -> None:
    page = await done(worked, "dispute", amount="20.50", currency="RON", invoice="all")
    assert "noted the dispute" in page
    assert "At most 100.00 RON" in await refused(worked, "dispute", amount="100.01", currency="RON", invoice="all")
    await refused(worked, "dispute", amount="1", currency="EUR", invoice="all")
    await refused(worked, "dispute", amount="1", currency="RON", invoice="999")
    await done(worked, "dispute", amount="100", currency="RON", invoice=await number(worked, Invoice.id))
    async with worked.database.read() as session:
        rows = (await session.scalars(select(Dispute).order_by(Dispute.id))).all()
    assert [(row.amount, row.reason, row.invoice_id is None) for row in rows] == [
        (20_50, "asked by phone", True),
        (100_00, "asked by phone", False),
    ]
