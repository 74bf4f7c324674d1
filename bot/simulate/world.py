"""Making a scenario's people and events real: rows in the store, replies through the carriers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import count

from sqlalchemy import select

from bot.sandbox import MAIL_DOMAIN, Sandbox
from bot.simulate.fates import arrange
from bot.simulate.happening import (
    Agrees,
    Bills,
    Carries,
    Credits,
    Disputes,
    Done,
    Event,
    Pauses,
    Pays,
    Presses,
    Promises,
    Refunds,
    Resolves,
    Says,
    Settles,
    Taps,
)
from bot.simulate.names import Names
from bot.simulate.people import Person
from bot.simulate.scenario import Scenario
from bot.simulate.telephones import Telephones
from channels.buttons import read_payload
from engine.agreements.disputes import GrantTooLarge, dispute
from engine.agreements.installments import agree_installments
from engine.agreements.pauses import pause
from engine.agreements.promises import promise
from engine.apply import promise_terms
from engine.contact import ChannelKind
from engine.installment import Part
from engine.intake.importing import take
from engine.intake.rows import AccountRow, ClientRow, InvoiceRow, Kind
from engine.ledger import MemoTooLarge, Received, confirm, credit_memo, receive, reject, resolve
from engine.refunds import refund_invoice
from engine.run import decide_clients
from engine.store.plans import publish_plans
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.casework import OrderOutcome
from engine.store.tables.portfolio import Account, Client, Invoice
from engine.work.orders import Acknowledgement, acknowledge, open_orders

Moved = Pays | Settles | Disputes | Resolves | Bills | Credits | Refunds | Done
Booked = Moved | Promises | Agrees | Pauses


class NoButton(LookupError):
    """No message to the client has a button for that option."""


class NothingPaid(LookupError):
    """Nothing was paid on the invoice, so that nothing can be taken back."""


class NoOrder(LookupError):
    """There is no such order that could be carried out."""


class World:
    """The people of a scenario in a running sandbox."""

    def __init__(self, scenario: Scenario, sandbox: Sandbox) -> None:
        self._scenario, self._sandbox = scenario, sandbox
        self._people = {person.client: person for person in scenario.people}
        self._disputes: dict[str, int] = {}
        self._payments = count(1)
        self.accounts, self.invoices = _named(scenario)
        self.clients: dict[str, int] = {}
        self.telephones = Telephones(scenario, sandbox.carriers.calls, self.accounts)

    async def plans_begin(self) -> None:
        """Publish the plans."""
        async with self._sandbox.wired.app.database.write() as session:
            await publish_plans(session, self._scenario.groups, self._scenario.plans)

    async def people_arrive(self, zones: Collection[str], now: datetime) -> None:
        """Load everybody who lives in these zones, with their accounts and invoices."""
        database = self._sandbox.wired.app.database
        people = [person for person in self._scenario.people if person.timezone in zones]
        async with database.write() as session:
            await take(session, Kind.CLIENTS, [_client_row(person) for person in people], now)
            await take(session, Kind.ACCOUNTS, list(self._account_rows(people)), now)
            await take(session, Kind.INVOICES, list(self._invoice_rows(people)), now)
        async with database.read() as session:
            self.clients = {row.ref: row.id for row in await session.scalars(select(Client))}

    def plain(self, client: str, text: str) -> str:
        """A text about a client, their accounts and invoices named as in the file."""
        return self.invoices.plain(client, self.accounts.plain(client, text))

    async def happen(self, event: Event, now: datetime) -> None:
        """Let one event happen at `now`. Raises DocumentError with its line where it cannot."""
        try:
            await self._happen(event, now)
        except (LookupError, GrantTooLarge, MemoTooLarge) as error:
            raise event.node.wrong(str(error)) from error

    async def _happen(self, event: Event, now: datetime) -> None:
        match event.what:
            case Says(text, by):
                await self._say(event.client, text, by)
            case Presses(digits):
                await self.telephones.press(event.client, self._address(event.client, ChannelKind.VOICE), digits)
            case Taps(option):
                await self._tap(event.client, option)
            case Carries(channel) as carries:
                arrange(self._sandbox.carriers, self._address(event.client, channel), carries)
            case booked:
                await self._book(event.client, booked, now)

    async def _book(self, name: str, what: Booked, now: datetime) -> None:
        """Book something as the system it comes from would, and decide for the client at once."""
        client, app = self.clients[name], self._sandbox.wired.app
        async with app.database.write() as session:
            await lock_clients(session, [client])
            match what:
                case Promises() | Agrees() | Pauses():
                    await self._arrange(session, client, what, now)
                case _:
                    await self._account_for(session, name, what, now)
            await decide_clients(session, [client], now, app.hours)

    async def _arrange(
        self, session: WriteSession, client: int, what: Promises | Agrees | Pauses, now: datetime
    ) -> None:
        """What an operator agrees with a client."""
        match what:
            case Promises(amount, until):
                terms = await promise_terms(session, client, amount.currency, now)
                await promise(session, client, amount, until, now, terms)
            case Agrees(parts):
                agreed = [Part(due, amount.minor) for due, amount in parts]
                await agree_installments(session, client, self._scenario.currency, agreed, now)
            case Pauses(days):
                await pause(session, client, days, "paused in the scenario", "operator", now)

    async def _account_for(self, session: WriteSession, name: str, what: Moved, now: datetime) -> None:
        """What billing and the bank tell."""
        match what:
            case Pays() as pays:
                await self._pay(name, pays, session, now)
            case Settles(ref, True):
                await confirm(session, ref, now)
            case Settles(ref):
                await reject(session, ref, now)
            case Disputes() as disputes:
                await self._dispute(name, disputes, session, now)
            case Resolves() as resolves:
                await self._resolve(resolves, session, now)
            case Bills() as bills:
                await self._bill(name, bills, session, now)
            case Credits(invoice, amount):
                await credit_memo(session, await self._invoice(session, name, invoice), amount.minor, now)
            case Refunds(invoice):
                await self._refund(name, session, invoice, now)
            case Done() as done:
                await self._done(name, done, session, now)

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

    async def _pay(self, name: str, pays: Pays, session: WriteSession, now: datetime) -> None:
        number = pays.id or f"{name}:{now.isoformat()}:{next(self._payments)}"
        payment = Received(
            ref=number,
            client=self.clients[name],
            amount=pays.amount,
            paid_at=now,
            source="billing",
            account=await self._account(session, name, pays.account) if pays.account else None,
            invoice=await self._invoice(session, name, pays.invoice) if pays.invoice else None,
            confirmed=not pays.unconfirmed,
        )
        await receive(session, payment, now)

    async def _refund(self, name: str, session: WriteSession, invoice: str, now: datetime) -> None:
        if not await refund_invoice(session, await self._invoice(session, name, invoice), now):
            raise NothingPaid(f"nothing is paid on the invoice '{invoice}', so nothing can be taken back")

    async def _dispute(self, name: str, disputes: Disputes, session: WriteSession, now: datetime) -> None:
        client, invoice = self.clients[name], await self._invoice(session, name, disputes.invoice)
        self._disputes[disputes.id] = await dispute(session, client, disputes.amount, disputes.id, now, invoice)

    async def _done(self, name: str, done: Done, session: WriteSession, now: datetime) -> None:
        account = self.accounts.ref(name, done.account)
        orders = await open_orders(session, now, client=self.clients[name])
        given = [one.id for one in orders if (one.verb, one.account) == (done.verb, account)]
        if not given:
            raise NoOrder(f"no order to {done.verb} on {done.account} is open")
        await acknowledge(session, given[0], Acknowledgement(OrderOutcome.DONE), now)

    async def _resolve(self, resolves: Resolves, session: WriteSession, now: datetime) -> None:
        await resolve(session, self._disputes[resolves.id], resolves.granted.minor, now)

    async def _bill(self, name: str, bills: Bills, session: WriteSession, now: datetime) -> None:
        row = InvoiceRow(
            invoice=self.invoices.ref(name, bills.invoice),
            account=self.accounts.ref(name, bills.account),
            issued=min(now.date(), bills.due),
            due=bills.due,
            amount=bills.amount,
        )
        await take(session, Kind.INVOICES, [row], now)

    async def _account(self, session: WriteSession, client: str, name: str) -> int:
        ref = self.accounts.ref(client, name)
        return (await session.execute(select(Account.id).where(Account.ref == ref))).scalar_one()

    async def _invoice(self, session: WriteSession, client: str, name: str) -> int:
        ref = self.invoices.ref(client, name)
        return (await session.execute(select(Invoice.id).where(Invoice.ref == ref))).scalar_one()

    def _account_rows(self, people: Sequence[Person]) -> Iterator[AccountRow]:
        for person in people:
            for account in person.accounts:
                yield AccountRow(
                    account=self.accounts.ref(person.client, account.account),
                    client=person.client,
                    provider=account.provider,
                    service=account.service,
                    currency=self._scenario.currency,
                )

    def _invoice_rows(self, people: Sequence[Person]) -> Iterator[InvoiceRow]:
        for person in people:
            for account in person.accounts:
                for invoice in account.invoices:
                    yield InvoiceRow(
                        invoice=self.invoices.ref(person.client, invoice.invoice),
                        account=self.accounts.ref(person.client, account.account),
                        issued=invoice.issued,
                        due=invoice.due,
                        amount=invoice.amount,
                    )


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


def _named(scenario: Scenario) -> tuple[Names, Names]:
    """The accounts and the invoices, in the order of the file, so that who keeps the plain name depends on no zone."""
    accounts, invoices = Names(), Names()
    for person in scenario.people:
        for account in person.accounts:
            accounts.ref(person.client, account.account)
            for invoice in account.invoices:
                invoices.ref(person.client, invoice.invoice)
    return accounts, invoices
