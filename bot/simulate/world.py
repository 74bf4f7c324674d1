"""Making a scenario's people and events real: rows in the store, replies through the carriers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count

from sqlalchemy import select

from bot.sandbox import MAIL_DOMAIN, Sandbox
from bot.simulate.happening import (
    Agrees,
    Bills,
    Credits,
    Disputes,
    Event,
    Pays,
    Presses,
    Promises,
    Resolves,
    Says,
    Settles,
    Taps,
)
from bot.simulate.people import Person
from bot.simulate.scenario import Scenario
from bot.simulate.telephones import Telephones
from channels.buttons import read_payload
from engine.contact import ChannelKind
from engine.holds import Part, agree_installments, dispute, promise
from engine.intake.importing import take
from engine.intake.rows import AccountRow, ClientRow, InvoiceRow, Kind
from engine.ledger import Received, confirm, credit_memo, receive, reject, resolve
from engine.run import decide_clients
from engine.store.plans import publish_plans
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.portfolio import Account, Client, Invoice


class NoButton(LookupError):
    """No message to the client has a button for that option."""


class World:
    """The people of a scenario in a running sandbox."""

    def __init__(self, scenario: Scenario, sandbox: Sandbox) -> None:
        self._scenario, self._sandbox = scenario, sandbox
        self._people = {person.client: person for person in scenario.people}
        self._disputes: dict[str, int] = {}
        self._payments = count(1)
        self.clients: dict[str, int] = {}
        self.telephones = Telephones(scenario, sandbox.carriers.calls)

    async def people_arrive(self, now: datetime) -> None:
        """Publish the plans and load everybody with their accounts and invoices."""
        scenario, database = self._scenario, self._sandbox.wired.app.database
        async with database.write() as session:
            await publish_plans(session, scenario.groups, scenario.plans)
            await take(session, Kind.CLIENTS, [_client_row(person) for person in scenario.people], now)
            await take(session, Kind.ACCOUNTS, list(_account_rows(scenario)), now)
            await take(session, Kind.INVOICES, list(_invoice_rows(scenario)), now)
        async with database.read() as session:
            self.clients = {row.ref: row.id for row in await session.scalars(select(Client))}

    async def happen(self, event: Event, now: datetime) -> None:
        """Let one event happen at `now`. Raises DocumentError with its line where it cannot."""
        try:
            await self._happen(event, now)
        except LookupError as error:
            raise event.node.wrong(str(error)) from error

    async def _happen(self, event: Event, now: datetime) -> None:
        if isinstance(event.what, Says):
            await self._say(event.client, event.what.text, event.what.by)
            return
        if isinstance(event.what, Presses):
            number = self._address(event.client, ChannelKind.VOICE)
            await self.telephones.press(event.client, number, event.what.digits)
            return
        if isinstance(event.what, Taps):
            await self._tap(event.client, event.what.option)
            return
        client, app = self.clients[event.client], self._sandbox.wired.app
        async with app.database.write() as session:
            await lock_clients(session, [client])
            await self._book(session, client, event, now)
            await decide_clients(session, [client], now, app.hours)

    async def _book(self, session: WriteSession, client: int, event: Event, now: datetime) -> None:
        match event.what:
            case Pays() as pays:
                await self._pay(event.client, pays, session, client, now)
            case Settles(ref, True):
                await confirm(session, ref, now)
            case Settles(ref, False):
                await reject(session, ref)
            case Disputes() as disputes:
                await self._dispute(disputes, session, client, now)
            case Resolves() as resolves:
                await self._resolve(resolves, session, now)
            case Promises(amount, until):
                await promise(session, client, amount, until, now)
            case Agrees(parts):
                agreed = [Part(due, amount.minor) for due, amount in parts]
                await agree_installments(session, client, self._scenario.currency, agreed, now)
            case Bills() as bills:
                await self._bill(bills, session, now)
            case Credits(invoice, amount):
                await credit_memo(session, await self._invoice(session, invoice), amount.minor, now)

    async def _say(self, client: str, text: str, by: ChannelKind) -> None:
        address, carriers = self._address(client, by), self._sandbox.carriers
        if by is ChannelKind.VOICE:
            await self.telephones.speak(address, text)
            return
        if by is ChannelKind.TELEGRAM:
            await carriers.telegram.answer(address, text)
            return
        if by is ChannelKind.SMS:
            await carriers.twilio.answer(address, text)
            return
        written_to = any(sent.to.lower() == address for sent in carriers.relay.sent)
        await carriers.relay.answer(address, text, "" if written_to else f"billing@{MAIL_DOMAIN}")

    async def _tap(self, client: str, option: str) -> None:
        chat, telegram = self._address(client, ChannelKind.TELEGRAM), self._sandbox.carriers.telegram
        for message in reversed([sent for sent in telegram.sent if sent.chat == chat]):
            for button in (button for row in message.buttons for button in row if button.payload):
                if read_payload(button.payload)[0] == option:
                    await telegram.press(chat, button.payload)
                    return
        raise NoButton(f"no message to {client} has a button for '{option}'")

    def _address(self, client: str, by: ChannelKind) -> str:
        return self._people[client].addresses[by]

    async def _pay(self, name: str, pays: Pays, session: WriteSession, client: int, now: datetime) -> None:
        number = pays.id or f"{name}:{now.isoformat()}:{next(self._payments)}"
        payment = Received(
            ref=number,
            client=client,
            amount=pays.amount,
            paid_at=now,
            source="billing",
            account=await self._account(session, pays.account) if pays.account else None,
            invoice=await self._invoice(session, pays.invoice) if pays.invoice else None,
            confirmed=not pays.unconfirmed,
        )
        await receive(session, payment, now)

    async def _dispute(self, disputes: Disputes, session: WriteSession, client: int, now: datetime) -> None:
        invoice = await self._invoice(session, disputes.invoice)
        self._disputes[disputes.id] = await dispute(session, client, disputes.amount, disputes.id, now, invoice)

    async def _resolve(self, resolves: Resolves, session: WriteSession, now: datetime) -> None:
        await resolve(session, self._disputes[resolves.id], resolves.granted.minor, now)

    async def _bill(self, bills: Bills, session: WriteSession, now: datetime) -> None:
        issued = min(now.date(), bills.due)
        row = InvoiceRow(
            invoice=bills.invoice, account=bills.account, issued=issued, due=bills.due, amount=bills.amount
        )
        await take(session, Kind.INVOICES, [row], now)

    async def _account(self, session: WriteSession, ref: str) -> int:
        return (await session.execute(select(Account.id).where(Account.ref == ref))).scalar_one()

    async def _invoice(self, session: WriteSession, ref: str) -> int:
        return (await session.execute(select(Invoice.id).where(Invoice.ref == ref))).scalar_one()


def _client_row(person: Person) -> ClientRow:
    return ClientRow(
        client=person.client,
        group=person.group,
        name=person.client.title(),
        language=person.language,
        timezone=person.timezone,
        plans=person.plans,
        email=person.addresses.get(ChannelKind.EMAIL),
        sms=person.addresses.get(ChannelKind.SMS),
        voice=person.addresses.get(ChannelKind.VOICE),
        telegram=person.addresses.get(ChannelKind.TELEGRAM),
    )


def _account_rows(scenario: Scenario) -> Iterator[AccountRow]:
    for person in scenario.people:
        for account in person.accounts:
            yield AccountRow(
                account=account.account,
                client=person.client,
                provider=account.provider,
                service=account.service,
                currency=scenario.currency,
            )


def _invoice_rows(scenario: Scenario) -> Iterator[InvoiceRow]:
    for person in scenario.people:
        for account in person.accounts:
            for invoice in account.invoices:
                yield InvoiceRow(
                    invoice=invoice.invoice,
                    account=account.account,
                    issued=invoice.issued,
                    due=invoice.due,
                    amount=invoice.amount,
                )
