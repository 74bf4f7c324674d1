"""What an operator does to a client's work by a form: cases, pauses, exemptions. Each needs a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import select, text

from bot.application import Application
from bot.console.access import Operator
from bot.console.fields import Fields, Unfilled
from bot.situation import Situations
from bot.thanks import SCRIPT as THANKS
from engine.agreements.exemptions import end_exemption, exempt
from engine.agreements.pauses import LONGEST, end_pause, pause
from engine.contact import ChannelKind
from engine.run import decide_clients
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.casework import Case, DunningPause, Exemption
from engine.store.tables.ledger import Dispute, InstallmentPlan, Payment, Promise
from engine.store.tables.portfolio import Account, Address, Client, Invoice
from engine.work.deviations import Deviator, NoRunningCase, add_contact, change_version, hold_stage, move, resume, skip

CHOOSE_STAGE = "Choose a stage."
NOT_THEIRS = "That belongs to another client, or is gone. Reload the page to see what is there."

Owned = TypeVar("Owned", Address, Dispute, InstallmentPlan, Invoice, Payment, Promise)


@dataclass(frozen=True, slots=True)
class Doing:
    """One form sent by an operator about a client, in the transaction that carries it out."""

    session: WriteSession
    app: Application
    client: Client
    today: date
    who: Operator
    now: datetime
    fields: Fields

    async def decide(self) -> None:
        """Decide anew for the client, after what has changed."""
        await self.session.flush()
        await decide_clients(self.session, [self.client.id], self.now, self.app.hours)

    async def deviator(self) -> Deviator:
        """Who deviates and why, once all fields are sound. Raises Unfilled."""
        reason = self.fields.reason()
        self.fields.sound()
        return Deviator(self.who.name, reason, self.now, self.app.hours)

    async def own(self, kind: type[Owned], field: str) -> Owned:
        """The row that a field names by its number, which is the client's own. Raises Unfilled."""
        number = self.fields.number(field)
        self.fields.sound()
        row = await self.session.get(kind, number, populate_existing=True)
        if row is None or row.client_id != self.client.id:
            raise Unfilled({field: NOT_THEIRS})
        return row

    async def currency(self) -> str:
        """The currency that the form names, which is one of the client's. Raises Unfilled."""
        currency = self.fields.said("currency")
        known = select(Account.id).where(Account.client_id == self.client.id, Account.currency == currency).limit(1)
        if await self.session.scalar(known) is None:
            raise Unfilled({"currency": "Choose one of the client's currencies."})
        return currency

    async def case(self) -> int:
        """The running case that the form names, which is the client's own. Raises NoRunningCase."""
        number = self.fields.number("case")
        if await self.session.scalar(select(Case.client_id).where(Case.id == number)) != self.client.id:
            raise NoRunningCase
        return number


async def move_case(doing: Doing) -> None:
    """Into a stage, at once."""
    case, stage = await doing.case(), doing.fields.text("stage", CHOOSE_STAGE)
    await move(doing.session, case, stage, await doing.deviator())


async def skip_stage(doing: Doing) -> None:
    """A coming stage is left out."""
    case, stage = await doing.case(), doing.fields.text("stage", CHOOSE_STAGE)
    await skip(doing.session, case, stage, await doing.deviator())


async def hold_back(doing: Doing) -> None:
    """A coming stage is entered no earlier than on a day."""
    case, stage = await doing.case(), doing.fields.text("stage", CHOOSE_STAGE)
    until = doing.fields.coming("until", least=1)
    await hold_stage(doing.session, case, stage, until, await doing.deviator())


async def bring_back(doing: Doing) -> None:
    """A stage skipped or held comes in its turn again."""
    case, stage = await doing.case(), doing.fields.text("stage", CHOOSE_STAGE)
    await resume(doing.session, case, stage, await doing.deviator())


async def contact_too(doing: Doing) -> None:
    """A contact the plan does not have, by the channels ticked, in the order of the list."""
    case = await doing.case()
    script = doing.fields.text("script", "Choose what to send.")
    channels = [channel for channel in doing.app.channels if doing.fields.said(channel)]
    if not channels:
        doing.fields.fault(next(iter(doing.app.channels), ChannelKind.SMS), "Tick at least one channel.")
    groups = await scripts_to_send(doing.session, doing.app, doing.client, doing.now)
    if not any(script in names for names in groups.values()):
        doing.fields.fault("script", "Choose one of the scripts of the list.")
    await add_contact(doing.session, case, script, channels, await doing.deviator())


async def newest_version(doing: Doing) -> None:
    """The case goes on by the version of its plan that is in force."""
    await change_version(doing.session, await doing.case(), await doing.deviator())


async def pause_client(doing: Doing) -> None:
    """Peace from today, for some days."""
    days = doing.fields.days("days", LONGEST)
    who = await doing.deviator()
    await lock_clients(doing.session, [doing.client.id])
    await pause(doing.session, doing.client.id, days, who.reason, who.by, doing.now)
    await doing.decide()


async def end_the_pause(doing: Doing) -> None:
    """One pause is over today."""
    number = doing.fields.number("pause")
    await _theirs(doing, DunningPause, number, "pause")
    who = await doing.deviator()
    await lock_clients(doing.session, [doing.client.id])
    await end_pause(doing.session, number, who.by, doing.now, reason=who.reason)
    await doing.decide()


async def exempt_debt(doing: Doing) -> None:
    """An invoice, an account or everything of the client is held out of the work."""
    kind, _, number = doing.fields.text("what", "Choose what is exempted.").partition("-")
    if kind not in ("all", "invoice", "account") or (kind != "all" and not number.isdecimal()):
        doing.fields.fault("what", "Choose what is exempted.")
    until = doing.fields.coming("until") if doing.fields.said("until") else None
    who = await doing.deviator()
    await lock_clients(doing.session, [doing.client.id])
    await exempt(
        doing.session,
        doing.client.id,
        who.reason,
        who.by,
        doing.now,
        invoice=int(number) if kind == "invoice" else None,
        account=int(number) if kind == "account" else None,
        until=until,
    )
    await doing.decide()


async def end_the_exemption(doing: Doing) -> None:
    """What one exemption held can be collected again."""
    number = doing.fields.number("exemption")
    await _theirs(doing, Exemption, number, "exemption")
    who = await doing.deviator()
    await lock_clients(doing.session, [doing.client.id])
    await end_exemption(doing.session, number, who.by, doing.now, reason=who.reason)
    await doing.decide()


SCRIPTS = text("""
select distinct jsonb_path_query(terms, '$.stages[*].actions[*].send') #>> '{}' as script from plans where in_force
order by script
""")


class ScriptGroup(StrEnum):
    """What the scripts that a person may send are told apart by."""

    PLANS = "sent by the plans"
    HELP = "help and arrangements"
    MATTERS = "what is agreed, offered or has happened"


NEWS = {"service_restored": "restored", "restriction_notice": "restricted_on"}
"""Scripts about the debt as a whole that say something has happened: the facts that say so."""


async def scripts_to_send(
    session: ReadSession, app: Application, client: Client, now: datetime
) -> Mapping[ScriptGroup, Sequence[str]]:
    """The scripts that can begin a talk with a client now: what each is about is there to be spoken of."""
    situations = await Situations.read(session, app, [client.id], now)
    currency = situations.main_currency(client.id)
    if currency is None:
        return {}
    facts, of_plans = situations.facts(client, currency), set(await session.scalars(SCRIPTS))
    groups: dict[ScriptGroup, list[str]] = {group: [] for group in ScriptGroup}
    for name, script in sorted(app.scripts.items()):
        if script.by_client or name == THANKS or (script.matter and not facts.due(script.matter)):
            continue
        if name in NEWS and not getattr(facts, NEWS[name]):
            continue
        group = ScriptGroup.PLANS if name in of_plans else ScriptGroup.HELP
        groups[ScriptGroup.MATTERS if script.matter else group].append(name)
    return {group: names for group, names in groups.items() if names}


async def _theirs(doing: Doing, kind: type[DunningPause] | type[Exemption], number: int, field: str) -> None:
    if await doing.session.scalar(select(kind.client_id).where(kind.id == number)) != doing.client.id:
        doing.fields.fault(field, NOT_THEIRS)
