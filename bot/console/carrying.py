"""The route of every act on a client: a form in, the act in one transaction, the client's page out.

What is wrong with a form is told on the page, by the field, with what was typed kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from bot.console import agreeing, deviating, settling
from bot.console.client import NoSuchClient, client_page
from bot.console.console import Console
from bot.console.deviating import Doing
from bot.console.fields import Fields, Unfilled
from bot.console.guard import Visit
from bot.console.signing import inside
from engine.agreements.disputes import NoSuchDispute
from engine.agreements.exemptions import NoSuchExemption, NotTheirs
from engine.agreements.installments import NoSuchPlan, NoSuchRequest
from engine.agreements.pauses import NoSuchPause
from engine.agreements.promises import NoSuchPromise
from engine.calendar import local_day, zone
from engine.ledger import NothingToSettle
from engine.remission import NoSuchAmnesty
from engine.store.tables.portfolio import Client
from engine.work.deviations import NoRunningCase, NoSuchDeferral, NoSuchStage, SameVersion, TooLate

Act = Callable[[Doing], Awaitable[None]]

ACTS: Mapping[str, Act] = {
    "move": deviating.move_case,
    "skip": deviating.skip_stage,
    "hold": deviating.hold_back,
    "resume": deviating.bring_back,
    "contact": deviating.contact_too,
    "version": deviating.newest_version,
    "pause": deviating.pause_client,
    "end-pause": deviating.end_the_pause,
    "exempt": deviating.exempt_debt,
    "end-exemption": deviating.end_the_exemption,
    "promise": agreeing.record_promise,
    "withdraw": agreeing.withdraw,
    "grant": agreeing.grant,
    "refuse": agreeing.refuse,
    "write-again": agreeing.write_again,
    "end-installments": settling.end_installments,
    "dispute": settling.note_dispute,
    "resolve": settling.resolve_the_dispute,
    "cancel": settling.cancel_the_rest,
    "found": settling.find_claim,
    "not-found": settling.reject_claim,
    "memo": settling.book_memo,
    "take-back": settling.take_back,
}

REFUSALS: Mapping[type[Exception], str] = {
    NoRunningCase: "The case has closed meanwhile, so nothing was changed.",
    NoSuchStage: "The plan has no such stage, so nothing was changed. Choose one of the list.",
    TooLate: "That stage has been entered already, so it can no longer be skipped or held.",
    NoSuchDeferral: "That stage is neither skipped nor held any more.",
    SameVersion: "The case is on the version in force already.",
    NoSuchPause: "That pause is over already.",
    NoSuchExemption: "That exemption has ended already.",
    NotTheirs: deviating.NOT_THEIRS,
    NoSuchPromise: "That promise is no longer open.",
    NoSuchRequest: "That wish has been answered already.",
    NoSuchPlan: "That installment plan has ended already.",
    NoSuchDispute: "That dispute has been resolved already.",
    NoSuchAmnesty: "That amnesty has been settled already.",
    NothingToSettle: "That claim has been settled already.",
    settling.NothingPaid: "That was taken back already: nothing of it is left.",
}
"""What the page says when somebody was faster, or the page was old. Nothing has been changed then."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A form that was not carried out: which one, what is wrong by field, and what was typed."""

    form: str
    faults: Mapping[str, str]
    typed: Mapping[str, str]


def carrying_routes(console: Console) -> APIRouter:
    """For those who are signed in; the guard has checked that our own page sent the form."""
    router = APIRouter(dependencies=[Depends(console.guard.visit)])
    app = console.app

    @router.post("/clients/{ref}/acts/{act}")
    async def carry_out(request: Request, ref: str, act: str) -> Response:
        visit: Visit = request.state.visit
        try:
            await _carried_out(ref, act, visit)
        except Unfilled as unfilled:
            return await _told(request, ref, visit, unfilled.faults)
        except tuple(REFUSALS) as refused:
            return await _told(request, ref, visit, {"": REFUSALS[type(refused)]})
        subject = visit.form.get("subject", "")
        part = f"#{subject}" if subject.replace("-", "").isalnum() else ""
        return RedirectResponse(inside(visit.form.get("to", "")) + part, 303)

    async def _carried_out(ref: str, act: str, visit: Visit) -> None:
        async with app.database.write() as session:
            client = await session.scalar(select(Client).where(Client.ref == ref))
            if client is None or act not in ACTS:
                raise NoSuchClient
            today = local_day(visit.now, zone(client.timezone))
            fields = Fields(visit.form, today)
            await ACTS[act](Doing(session, app, client, today, visit.operator, visit.now, fields))

    async def _told(request: Request, ref: str, visit: Visit, faults: Mapping[str, str]) -> Response:
        refusal = Refusal(visit.form.get("form", ""), faults, visit.form)
        async with app.database.read() as session:
            client = await session.scalar(select(Client).where(Client.ref == ref))
            if client is None:
                raise NoSuchClient
            shown = await client_page(console, session, visit, client, refusal=refusal)
        return console.pages.page(request, "client", 422, place=f"/console/clients/{ref}", **shown)

    return router
