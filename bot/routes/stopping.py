"""The address of a mail's list header. Programs that check mails open it, so a GET changes nothing; a POST is stored,
and handled afterwards like whatever else arrives.

Every POST of the form is answered alike: whether a talk has such a token, or was stopped before, is nobody's business.
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select, text

from bot.application import Application
from bot.arrivals import ONE_CLICK
from bot.inbox import keep
from bot.pay.pages import Pages
from bot.routes.webhooks import body_of
from channels.one_click import FIELD, PATH, TOKEN, VALUE, is_one_click
from engine.store.tables.talk import Conversation

LARGEST = 4 * 1024

NAMED = text("""
select concat_ws(':', t.thread, (select max(c.id) from consents c
  where c.client_id = t.client_id and c.address_id = t.address_id and c.what = 'opted_in')) as event, t.language
from conversations t where t.thread = :thread
""")
"""What an unsubscription is known by: it is one until consent is given again, however often the form is posted."""


def stopping_routes(app: Application, pages: Pages) -> APIRouter:
    """For whoever has a mail of ours."""
    router = APIRouter(prefix=PATH)

    def shown(request: Request, name: str, language: str, status: int = 200, **context: object) -> HTMLResponse:
        asked, accepted = request.query_params.get("lang", ""), request.headers.get("accept-language", "")
        return pages.page(name, pages.language(asked, language, accepted), status, **context)

    @router.api_route("/{thread}", methods=["GET", "HEAD"])
    async def ask(request: Request, thread: str) -> HTMLResponse:
        language = None
        if TOKEN.fullmatch(thread):
            async with app.database.read() as session:
                language = await session.scalar(select(Conversation.language).where(Conversation.thread == thread))
        if language is None:
            return shown(request, "not_stopped", "", 404)
        return shown(request, "stop", language, address=f"{PATH}/{thread}", field=FIELD, value=VALUE)

    @router.post("/{thread}")
    async def stop(request: Request, thread: str) -> HTMLResponse:
        if not is_one_click(await body_of(request, LARGEST)):
            raise HTTPException(400, f"the form has no field {FIELD} that says {VALUE}")
        language = ""
        if TOKEN.fullmatch(thread):
            async with app.database.write() as session:
                talk = (await session.execute(NAMED, {"thread": thread})).one_or_none()
                if talk is not None:
                    language = talk.language
                    await keep(session, ONE_CLICK, talk.event, thread.encode(), app.clock(), request.url.path)
        return shown(request, "stopped", language)

    return router
