"""Conversations, what was said in them, and how each outbound message fares at its carrier."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from engine.contact import ChannelKind, Delivery
from engine.store.tables.base import Base, Currency, Id, Json, Minor, Moment, Sealed, one_of


class Owner(StrEnum):
    """Who speaks in a conversation. The bot cannot send while a person owns it: the claim refuses."""

    BOT = "bot"
    WAITING = "waiting"
    OPERATOR = "operator"


class Author(StrEnum):
    """Who said a message."""

    CLIENT = "client"
    BOT = "bot"
    OPERATOR = "operator"


class InboxState(StrEnum):
    """`parked`: handling failed too often and waits for a person; it never blocks the others."""

    NEW = "new"
    DONE = "done"
    PARKED = "parked"


class Conversation(Base):
    """A talk on one channel. `state` is the turn engine's own; `thread` is the token carriers carry back to us."""

    __tablename__ = "conversations"
    __table_args__ = (
        one_of("channel", ChannelKind),
        one_of("owner", Owner),
        Index("ix_conversations_address", "address_id", text("last_at desc")),
        Index("ix_conversations_with_people", "last_at", postgresql_where=text(f"owner <> '{Owner.BOT}'")),
    )

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"))
    channel: Mapped[str]
    currency: Mapped[Currency]
    script: Mapped[str]
    script_version: Mapped[str]
    language: Mapped[str]
    state: Mapped[Json]
    thread: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[str]
    opened_at: Mapped[Moment]
    last_at: Mapped[Moment]


class MessageRow(Base):
    """One thing said. An outbound message is typed content until it is rendered; `text` is what was really said."""

    __tablename__ = "messages"
    __table_args__ = (one_of("author", Author),)

    id: Mapped[Id]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    author: Mapped[str]
    at: Mapped[Moment]
    content: Mapped[Json]
    text: Mapped[str | None] = mapped_column(Sealed)

    conversation: Mapped[Conversation] = relationship(lazy="raise")


class Outbound(Base):
    """The queue of what is to be sent, and how it fares. Leases are on the database's clock.

    `parting` is the bot's last word in a talk the same turn stopped or gave to a person: it alone may still go out.
    `tries` counts the times it was taken up, sent or not; `resent` says that it was sent once more after an outcome
    that stayed unknown; `parked_at` that it was given up and a person told.
    """

    __tablename__ = "outbound"
    __table_args__ = (
        one_of("state", Delivery),
        one_of("channel", ChannelKind),
        Index(
            "ix_outbound_ready",
            "channel",
            "priority",
            "send_from",
            "id",
            postgresql_where=text(f"state = '{Delivery.READY}'"),
        ),
        Index("ix_outbound_expiring", "send_until", postgresql_where=text(f"state = '{Delivery.READY}'")),
        Index("ix_outbound_parked", "parked_at", postgresql_where=text("parked_at is not null")),
        Index(
            "ix_outbound_in_doubt",
            "lease_until",
            postgresql_where=text(f"state in ('{Delivery.SENDING}', '{Delivery.UNKNOWN}')"),
        ),
    )

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"), index=True)
    channel: Mapped[str]
    state: Mapped[str]
    priority: Mapped[int]
    parting: Mapped[bool]
    send_from: Mapped[Moment]
    send_until: Mapped[Moment]
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    lookups: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    resent: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    reason: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]

    message: Mapped[MessageRow] = relationship(lazy="raise")
    conversation: Mapped[Conversation] = relationship(lazy="raise")


class Carrier(Base):
    """How the carrier of a channel is doing, told by every process that sends. Times are the application's.

    `tokens` is what the channel's rate still allows since `filled_at`; `paused_until` the carrier's own wish to be
    left alone; `failures` how often in a row it was not there, and `open_until` when it is tried again after too many
    of them, the later the more `trips` there were.
    """

    __tablename__ = "carriers"
    __table_args__ = (one_of("channel", ChannelKind),)

    channel: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(server_default=text("0"), default=0.0)
    filled_at: Mapped[Moment]
    paused_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    trips: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    open_until: Mapped[datetime | None]


class Attempt(Base):
    """One try to send, committed before the network is touched. `digest` is SHA-256 of the body as sent.

    The body is kept with pay-link tokens blotted out, so that reading the store opens nobody's pay page.
    """

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("outbound_id", "no"), one_of("state", Delivery))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    outbound_id: Mapped[int] = mapped_column(ForeignKey("outbound.id"))
    no: Mapped[int]
    state: Mapped[str]
    body: Mapped[str] = mapped_column(Sealed)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    started_at: Mapped[Moment]
    reference: Mapped[str | None] = mapped_column(index=True)
    code: Mapped[str | None]
    updated_at: Mapped[datetime | None]


class InboxEvent(Base):
    """An event of a carrier or payment provider, verified and stored before it is answered; unique for ever.

    `path` is the address it was posted to, which carries our attempt's id; empty for mail.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("provider", "event"),
        one_of("state", InboxState),
        Index("ix_inbox_new", "id", postgresql_where=text(f"state = '{InboxState.NEW}'")),
        Index("ix_inbox_parked", "id", postgresql_where=text(f"state = '{InboxState.PARKED}'")),
    )

    id: Mapped[Id]
    provider: Mapped[str]
    event: Mapped[str]
    received_at: Mapped[Moment]
    path: Mapped[str] = mapped_column(server_default=text("''"), default="")
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    error: Mapped[str | None]


class GapKind(StrEnum):
    """What a carrier had on record and the store had not.

    `reply`: a message of a client that no webhook brought; `report`: news of a message of ours that never came;
    `stranger`: a message it sent for us of which the store knows nothing.
    """

    REPLY = "reply"
    REPORT = "report"
    STRANGER = "stranger"


class Gap(Base):
    """Something a carrier was found to have on record, once. `sender` is the number or name of ours it went by.

    `subject` is what the webhook would have been known by in the inbox, or the carrier's own name of a stranger.
    """

    __tablename__ = "gaps"
    __table_args__ = (
        UniqueConstraint("channel", "kind", "subject"),
        one_of("kind", GapKind),
        one_of("channel", ChannelKind),
        CheckConstraint("(mended_by is null) = (mended_at is null)", name="mended"),
        Index("ix_gaps_open", "found_at", postgresql_where=text("mended_at is null")),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    channel: Mapped[str]
    sender: Mapped[str]
    subject: Mapped[str]
    found_at: Mapped[datetime] = mapped_column(index=True)
    mended_by: Mapped[str | None]
    mended_at: Mapped[datetime | None]


class Reconciliation(Base):
    """How far the records of a channel's carrier have been compared with the store; times are the application's.

    All until `reached_at` has been looked at, and far back at `far_at`; it is not asked again before `next_at`.
    `failure` is why it could not be asked, or not for all, since `failed_since`; None while it can.
    """

    __tablename__ = "reconciliations"
    __table_args__ = (one_of("channel", ChannelKind),)

    channel: Mapped[str] = mapped_column(primary_key=True)
    reached_at: Mapped[Moment]
    far_at: Mapped[Moment]
    next_at: Mapped[Moment]
    failure: Mapped[str | None]
    failed_since: Mapped[datetime | None]


class PayLink(Base):
    """A way to a pay page. Only SHA-256 of its token is kept; it never dies, it shows the present balance."""

    __tablename__ = "pay_links"

    id: Mapped[Id]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"))
    currency: Mapped[Currency]
    created_at: Mapped[Moment]


class Checkout(Base):
    """One intent to pay at the provider. Its id is the provider's idempotency key, so a retry opens no second one."""

    __tablename__ = "checkouts"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pay_link_id: Mapped[int] = mapped_column(ForeignKey("pay_links.id"), index=True)
    amount: Mapped[Minor]
    provider_ref: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[Moment]
    paid_at: Mapped[datetime | None]
