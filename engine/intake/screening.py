"""Whether the rows of a file may go in: each one against the rules of its kind and what the store knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from engine.contact import ChannelKind
from engine.intake.cells import Cells
from engine.intake.known import Known, KnownAccount, KnownClient, KnownPayment
from engine.intake.records import Record
from engine.intake.rows import (
    COLUMNS,
    AccountRow,
    ClientKind,
    ClientRow,
    ImportProblem,
    InvoiceRow,
    Kind,
    PaymentRow,
    Row,
)
from engine.money import Money
from engine.store.tables.ledger import PaymentStatus

SLACK = timedelta(days=1)
"""How far ahead of our clock a payment may be dated: banks book on value dates and in zones of their own."""

STATUS = re.compile(r"[a-z][a-z0-9 _-]{0,39}")


class Screening:
    """The rules for the rows of one kind, at `now`."""

    def __init__(self, kind: Kind, now: datetime) -> None:
        self.kind, self._now = kind, now

    def screen(self, records: Iterable[Record], known: Known) -> tuple[list[Row], list[ImportProblem]]:
        """The good rows, and every problem of the others. `known` must cover all that these records name."""
        rows: list[Row] = []
        problems: list[ImportProblem] = []
        for record in records:
            cells = Cells(record)
            row = self._row(record, cells, known) if "" not in record.faults else None
            self._only_once(record, cells)
            if row is not None and not cells.problems:
                rows.append(row)
            problems += cells.problems
        return rows, problems

    def _only_once(self, record: Record, cells: Cells) -> None:
        key = COLUMNS[self.kind].key
        if record.first is not None:
            cells.wrong(key, f"'{record.cells[key]}' is already on line {record.first}")

    def _row(self, record: Record, cells: Cells, known: Known) -> Row | None:
        match self.kind:
            case Kind.CLIENTS:
                return _client(cells, known)
            case Kind.ACCOUNTS:
                return _account(cells, known)
            case Kind.INVOICES:
                return _invoice(cells, known, record.wording)
            case Kind.PAYMENTS:
                return _payment(cells, known, self._now)


def _client(cells: Cells, known: Known) -> ClientRow:
    return ClientRow(
        client=cells.needed("client"),
        group=(group := _group(cells, known)),
        kind=cells.word("kind", ClientKind),
        name=cells.needed("name"),
        language=cells.language("language"),
        timezone=cells.zone("timezone"),
        country=cells.country("country"),
        plans=_plans(cells, known, group),
        email=cells.address(ChannelKind.EMAIL),
        sms=cells.address(ChannelKind.SMS),
        voice=cells.address(ChannelKind.VOICE),
        telegram=cells.address(ChannelKind.TELEGRAM),
    )


def _group(cells: Cells, known: Known) -> str:
    group = cells.needed("group")
    if group and group not in known.groups:
        there = f"the groups are: {', '.join(sorted(known.groups))}" if known.groups else "no plans are published yet"
        cells.wrong("group", f"there is no plan group '{group}'; {there}")
    return group


def _plans(cells: Cells, known: Known, group: str) -> tuple[str, ...] | None:
    text = cells.stated("plan")
    if text is None:
        return None
    plans = tuple(dict.fromkeys(part.strip() for part in re.split("[,;|]", text) if part.strip()))
    for plan in plans:
        if plan not in known.plans:
            remedy = "; several plans are divided by ';', such as retail;water" if " " in plan else ""
            cells.wrong("plan", f"no plan '{plan}' is in force{remedy}")
        elif group in known.groups and known.plans[plan] != group:
            cells.wrong("plan", f"the plan '{plan}' is of the group '{known.plans[plan]}', the client of '{group}'")
    return plans


def _account(cells: Cells, known: Known) -> AccountRow:
    account, client, currency = cells.needed("account"), cells.needed("client"), cells.currency("currency")
    cells.needed("currency")
    if client and client not in known.clients:
        cells.wrong("client", f"there is no client '{client}'; import the clients first")
    before = known.accounts.get(account)
    if before is not None and client not in ("", before.client):
        cells.wrong("client", f"the account '{account}' is of the client '{before.client}' and cannot change hands")
    if before is not None and currency not in (None, before.currency):
        cells.wrong("currency", f"the account '{account}' is in {before.currency}; open another for {currency}")
    status = (cells.stated("status") or "").lower()
    if status and STATUS.fullmatch(status) is None:
        cells.wrong("status", f"'{status}' is not a status; write a word, such as active or suspended")
    provider, service = cells.needed("provider"), cells.needed("service")
    return AccountRow(
        account=account,
        client=client,
        provider=provider,
        service=service,
        currency=currency or "",
        status=status or None,
    )


def _invoice(cells: Cells, known: Known, wording: int | None) -> InvoiceRow | None:
    invoice, account = cells.needed("invoice"), cells.needed("account")
    issued, due = cells.day("issued"), cells.day("due")
    if issued is not None and due is not None and due < issued:
        cells.wrong("due", f"{due} is before the day of issue, {issued}")
    holder = known.accounts.get(account)
    if holder is None:
        cells.needed("amount")
        if account:
            cells.wrong("account", f"there is no account '{account}'; import the accounts first")
        return None
    _same_currency(cells, holder)
    amount = cells.positive("amount", holder.currency)
    balance = cells.amount("balance", holder.currency)
    if issued is None or due is None or amount is None:
        return None
    _in_bounds(cells, amount, balance)
    row = InvoiceRow(
        invoice=invoice, account=account, issued=issued, due=due, amount=amount, balance=balance, wording=wording
    )
    _as_billed(cells, row, known)
    return row


def _same_currency(cells: Cells, holder: KnownAccount) -> None:
    currency = cells.currency("currency")
    if currency not in (None, holder.currency):
        cells.wrong("currency", f"is {currency}, and the account is in {holder.currency}")


def _in_bounds(cells: Cells, amount: Money, balance: Money | None) -> None:
    if balance is not None and balance.minor < 0:
        cells.wrong("balance", f"{balance} is less than zero")
    if balance is not None and amount < balance:
        cells.wrong("balance", f"{balance} is more than the amount, {amount}")


def _as_billed(cells: Cells, row: InvoiceRow, known: Known) -> None:
    """A bill is what it was when it was issued; only what is still unpaid of it changes."""
    before = known.invoices.get(row.invoice)
    if before is None:
        return
    billed = Money(before.amount, before.holder.currency)
    for column, was, says in (
        ("account", before.account, row.account),
        ("issued", before.issued, row.issued),
        ("due", before.due, row.due),
        ("amount", billed, row.amount),
    ):
        if was != says:
            remedy = "a bill does not change once it is imported; correct it in billing by another invoice"
            cells.wrong(column, f"was {was} and is now {says}: {remedy}")


def _payment(cells: Cells, known: Known, now: datetime) -> PaymentRow | None:
    payment = cells.needed("payment")
    status = _status(cells)
    holder = _holder(cells, known)
    if holder is None:
        cells.needed("amount")
        cells.needed("paid_at")
        return None
    amount = cells.positive("amount", holder.currency)
    paid_at = cells.moment("paid_at", holder.zone)
    if paid_at is not None and paid_at > now + SLACK:
        cells.wrong("paid_at", f"{cells.stated('paid_at')} is yet to come")
    if amount is None or paid_at is None or status is None:
        return None
    before = known.payments.get(payment)
    _as_booked(cells, holder, amount, before)
    _may_become(cells, status, before)
    return PaymentRow(
        payment=payment,
        client=holder.client,
        account=cells.stated("account") or None,
        invoice=cells.stated("invoice") or None,
        paid_at=paid_at,
        amount=amount,
        status=status,
    )


def _status(cells: Cells) -> PaymentStatus | None:
    if not cells.stated("status"):
        return PaymentStatus.CONFIRMED
    return cells.word("status", PaymentStatus)


def _holder(cells: Cells, known: Known) -> KnownAccount | None:
    """Whose money it is and in which currency, by the narrowest thing the row names; all it names must agree."""
    invoice, account, client = (cells.stated(column) or "" for column in ("invoice", "account", "client"))
    if not (invoice or account or client):
        cells.wrong("account", "is empty; name an account or an invoice")
        return None
    bill, holder, owner = known.invoices.get(invoice), known.accounts.get(account), known.clients.get(client)
    for column, ref, found in (("invoice", invoice, bill), ("account", account, holder), ("client", client, owner)):
        if ref and found is None:
            cells.wrong(column, f"there is no {column} '{ref}'")
    if bill is not None and account not in ("", bill.account):
        cells.wrong("account", f"the invoice '{invoice}' is of the account '{bill.account}'")
    holder = bill.holder if bill is not None else holder
    if holder is None and owner is not None and not (invoice or account):
        return _own(cells, client, owner)
    if holder is not None:
        _same_currency(cells, holder)
        if client not in ("", holder.client):
            cells.wrong("client", f"this is of the client '{holder.client}'")
    return holder


def _own(cells: Cells, client: str, owner: KnownClient) -> KnownAccount | None:
    """A client's money that names nothing it is for: in the currency it says, else in the only one they are billed."""
    currency = cells.currency("currency")
    if currency is None and len(owner.currencies) == 1:
        return KnownAccount(client, owner.zone, owner.currencies[0])
    billed = ", ".join(owner.currencies) or "no currency"
    if currency is None:
        cells.wrong("currency", f"is empty, and the client is billed in {billed}")
    elif currency not in owner.currencies:
        cells.wrong("currency", f"is {currency}, and the client is billed in {billed}")
    else:
        return KnownAccount(client, owner.zone, currency)
    return None


def _as_booked(cells: Cells, holder: KnownAccount, amount: Money, before: KnownPayment | None) -> None:
    """A payment told again must be the same one; a second of that name would be lost silently."""
    if before is None:
        return
    booked = Money(before.amount, before.currency)
    if amount != booked:
        cells.wrong("amount", f"is {amount}, and this payment is booked with {booked}; another needs its own name")
    if holder.client != before.client:
        cells.wrong("payment", f"is booked for the client '{before.client}'; another payment needs its own name")


def _may_become(cells: Cells, status: PaymentStatus, before: KnownPayment | None) -> None:
    if before is None:
        if status is PaymentStatus.REJECTED:
            cells.wrong("status", "is rejected, but no such payment was announced")
        elif status is PaymentStatus.REVERSED:
            cells.wrong("status", "is reversed, but no such payment was booked")
    elif status is PaymentStatus.REJECTED and before.status is PaymentStatus.CONFIRMED:
        cells.wrong("status", "is rejected, but the payment is confirmed; one that is taken back is reversed")
    elif status is PaymentStatus.CONFIRMED and before.status in (PaymentStatus.REJECTED, PaymentStatus.REVERSED):
        was = before.status.value
        cells.wrong("status", f"is confirmed, but the payment was {was}; money that came after all needs a new name")
