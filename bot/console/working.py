"""What people do at their work list: take a task, finish it with its result, enter what was done, answer an order."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from bot.console.client import NoSuchClient
from bot.console.console import Console
from bot.console.guard import Visit
from bot.console.parked import close_gap_of
from bot.console.signing import inside
from bot.console.work import WorkView, waiting_orders, work_counts, work_list
from engine.money import BadAmount, Money, money
from engine.run import decide_clients
from engine.store.session import ReadSession
from engine.store.tables.casework import OrderOutcome, Task, TaskResult
from engine.store.tables.portfolio import Account, Client
from engine.work.orders import Acknowledgement, Contradicted, acknowledge
from engine.work.worklist import (
    BadReport,
    Deed,
    LateReason,
    NoSuchTask,
    Report,
    Worker,
    finish,
    give_back,
    record,
    take,
)

Word = TypeVar("Word", bound=StrEnum)


def task_routes(console: Console) -> APIRouter:
    """For those who are signed in; the guard has checked that our own page sent the form."""
    router = APIRouter(dependencies=[Depends(console.guard.visit)])
    app, pages = console.app, console.pages

    @router.get("/work")
    async def work(request: Request, show: WorkView = WorkView.ALL) -> Response:
        visit: Visit = request.state.visit
        async with app.database.read() as session:
            views = await work_counts(session, visit.operator, visit.now)
            orders = await waiting_orders(session, visit.now) if show is WorkView.ORDERS else []
            rows = [] if show is WorkView.ORDERS else await work_list(session, show, visit.operator, visit.now)
        return pages.page(request, "work", rows=rows, orders=orders, view=show, views=views)

    @router.post("/tasks/{task}/take")
    async def taken(request: Request, task: int) -> Response:
        visit: Visit = request.state.visit
        async with app.database.write() as session:
            await take(session, task, _worker(visit), visit.now)
        return _see(visit)

    @router.post("/tasks/{task}/give-back")
    async def given_back(request: Request, task: int) -> Response:
        visit: Visit = request.state.visit
        async with app.database.write() as session:
            await give_back(session, task, _worker(visit), visit.now)
        return _see(visit)

    @router.post("/tasks/{task}/done")
    async def done(request: Request, task: int) -> Response:
        visit: Visit = request.state.visit
        try:
            async with app.database.write() as session:
                finished = await finish(session, task, _worker(visit), _report(visit.form), visit.now)
                await close_gap_of(session, finished, _worker(visit), visit.now)
                if finished.result == TaskResult.PROMISED:
                    await decide_clients(session, [finished.client_id], visit.now, app.hours)
        except BadReport as wrong:
            return await _again(request, task, wrong)
        return _see(visit)

    async def _again(request: Request, number: int, wrong: BadReport) -> Response:
        """The form with what was typed, and what is wrong with it: nothing is typed twice."""
        async with app.database.read() as session:
            task = await session.get(Task, number)
            if task is None:
                raise NoSuchTask
            client = await session.get_one(Client, task.client_id)
            currencies = await _currencies(session, client.id)
        visit: Visit = request.state.visit
        return pages.page(
            request, "redo", 422, task=task, client=client, currencies=currencies, wrong=wrong, typed=visit.form,
            back=_back(visit),
        )  # fmt: skip

    return router


def entering_routes(console: Console) -> APIRouter:
    """What is entered by hand: deeds of the past, and what the other system said of an order it cannot answer."""
    router = APIRouter(dependencies=[Depends(console.guard.visit)])
    app, pages = console.app, console.pages

    @router.post("/clients/{ref}/deeds")
    async def deed(request: Request, ref: str) -> Response:
        visit: Visit = request.state.visit
        async with app.database.read() as session:
            client = await session.scalar(select(Client).where(Client.ref == ref))
        if client is None:
            raise NoSuchClient
        try:
            what = _word(visit.form, "deed", Deed)
            on = _day(visit.form, "on")
            if what is None or on is None:
                raise BadReport("on" if what else "deed", "say what was done and on which day")
            async with app.database.write() as session:
                await record(session, client.id, what, on, _text(visit.form, "note"), _worker(visit), visit.now)
        except BadReport as wrong:
            return pages.page(
                request, "redo", 422, task=None, client=client, currencies=[], wrong=wrong, typed=visit.form,
                back=_back(visit),
            )  # fmt: skip
        return _see(visit)

    @router.post("/orders/{order}/answer")
    async def answered(request: Request, order: int) -> Response:
        visit: Visit = request.state.visit
        outcome = _word(visit.form, "outcome", OrderOutcome) or OrderOutcome.REFUSED
        said = Acknowledgement(outcome, note=_text(visit.form, "note")[:500] or None, by=visit.operator.name)
        try:
            async with app.database.write() as session:
                await acknowledge(session, order, said, visit.now)
        except Contradicted as error:
            sentence = f"Order {order} is {error}."
            return pages.page(request, "error", 409, title="Not booked", sentence=sentence, back=_back(visit))
        return _see(visit)

    return router


async def _currencies(session: ReadSession, client: int) -> list[str]:
    found = select(Account.currency).where(Account.client_id == client).distinct().order_by(Account.currency)
    return list(await session.scalars(found))


def _worker(visit: Visit) -> Worker:
    return Worker(visit.operator.id, visit.operator.name)


def _report(form: dict[str, str]) -> Report:
    result = _word(form, "result", TaskResult)
    if result is None:
        raise BadReport("result", "choose how it ended")
    return Report(
        result=result,
        person=_text(form, "person"),
        late_reason=_word(form, "late_reason", LateReason),
        note=_text(form, "note"),
        promised=_sum(form),
        until=_day(form, "until"),
        callback_on=_day(form, "callback_on"),
    )


def _word(form: dict[str, str], name: str, words: type[Word]) -> Word | None:
    text = form.get(name, "")
    if text and text not in list(words):
        raise BadReport(name, "choose one of the list")
    return words(text) if text else None


def _text(form: dict[str, str], name: str) -> str:
    return form.get(name, "").replace("\r\n", "\n").replace("\0", "").strip()


def _day(form: dict[str, str], name: str) -> date | None:
    text = form.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadReport(name, "write the day as 2026-05-15") from None


def _sum(form: dict[str, str]) -> Money | None:
    """A sum as people type it: with a point or a comma before the decimals."""
    text = _text(form, "promised").replace(" ", "").replace(",", ".")
    try:
        return money(text, form.get("currency", "")) if text else None
    except (BadAmount, ValueError):
        raise BadReport("promised", "write the sum as 150 or 150.50") from None


def _back(visit: Visit) -> str:
    return inside(visit.form.get("to", ""))


def _see(visit: Visit) -> Response:
    return RedirectResponse(_back(visit), 303)
