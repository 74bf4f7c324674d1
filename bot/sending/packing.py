"""Queued messages into drafts: read with all they belong to, put into words from the facts of this moment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import select, text

from bot.application import Application
from bot.content import unpack
from bot.pay.links import address_of, digest_of, new_token
from bot.situation import Situations, outstanding
from channels.port import Draft, Envelope
from dialogs.render import NothingToShow, render
from engine.contact import ChannelKind
from engine.store.session import WriteSession
from engine.store.tables.base import Sealed
from engine.store.tables.casework import Case, Contact
from engine.store.tables.talk import Author

HIDDEN = "•••"
"""What the store shows in the place of a pay link's token."""


class Receiver(NamedTuple):
    """The client a message is for."""

    id: int
    name: str
    timezone: str
    country: str | None


class Parcel(NamedTuple):
    """A queued message with what it belongs to.

    `barred` is why it is not to be sent any more; `courtesy`: it opens a contact that is no stage's; `tries` are those
    before this one; `begun`: the talk has been heard; `reminds`: nobody had answered; `content` is JSON as the store
    has it.
    """

    outbound: int
    channel: str
    priority: int
    tries: int
    contact: int | None
    send_until: datetime
    resent: bool
    barred: str | None
    courtesy: bool | None
    begun: bool
    reminds: bool
    message: int
    author: str
    content: str
    words: str | None
    talk: int
    script: str
    language: str
    currency: str
    began_with: int | None
    thread: str
    to: str
    client: Receiver


@dataclass(frozen=True, slots=True)
class Packed:
    """A message ready to go: its draft, its text as the store may show it, and the digest of its pay link if any."""

    parcel: Parcel
    draft: Draft
    shown: str
    link: bytes | None = None


PARCELS = text("""
select o.id, o.channel, o.priority, o.tries, o.contact_id, o.send_until, o.resent,
       case when a.opted_out_at is not null and not o.parting then 'opted out'
            when a.dead_since is not null and not o.parting then 'the address is unusable'
            when t.owner <> 'bot' and m.author = 'bot' and not o.parting then 'a person has taken over'
            when m.content ->> 'asked_in' <> t.state ->> 'turn' then 'the talk has gone on'
            when k.closed_at is not null and k.ending <> 'worked' then 'the case is closed' end,
       n.occasion <> 'stage',
       exists (select from outbound e where e.conversation_id = t.id and e.tries > 0),
       m.content -> 'asked_in' is not null,
       m.id, m.author, m.content::text, m.text as words, t.id, t.script, t.language, t.currency, t.contact_id, t.thread,
       a.sealed as address, c.id, c.name as name, c.timezone, c.country
from outbound o
join addresses a on a.id = o.address_id
join conversations t on t.id = o.conversation_id
join clients c on c.id = t.client_id
join messages m on m.id = o.message_id
left join contacts n on n.id = o.contact_id
left join cases k on k.id = n.case_id
where o.id = any(array(select unnest(cast(:held as bigint[]))))
order by o.priority, o.send_from, o.id
""").columns(words=Sealed, address=Sealed, name=Sealed)
"""The guards are told in the statement that reads what is to be sent: none of it is older than they are.

How many are held is hidden from the planner: its plan is kept for the next batch, made anew it costs more than they do.
"""
MOOT = text("select id from moot_contacts where id = any(array(select unnest(cast(:contacts as bigint[]))))")
"""Asked apart, and only of courtesies: it looks at so many tables that planning it costs more than all the rest."""
SETTLED = "what it was about is settled"


async def parcels(session: WriteSession, held: Sequence[int]) -> list[Parcel]:
    """The messages held, in the order in which they are sent, those that are barred among them."""
    rows = await session.execute(PARCELS, {"held": list(held)})
    found = [Parcel._make((*row[:OF_THE_CLIENT], Receiver._make(row[OF_THE_CLIENT:]))) for row in rows]
    courtesies = [parcel.contact for parcel in found if parcel.courtesy and parcel.barred is None]
    if not courtesies:
        return found
    moot = set(await session.scalars(MOOT, {"contacts": courtesies}))
    return [parcel._replace(barred=parcel.barred or SETTLED) if parcel.contact in moot else parcel for parcel in found]


OF_THE_CLIENT = len(Parcel._fields) - 1
"""Where the columns of the client begin."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Everything it takes to pack some messages at `now`."""

    app: Application
    situations: Situations
    contacts: Mapping[int, tuple[Contact, Case | None]]

    @classmethod
    async def read(
        cls, session: WriteSession, app: Application, waiting: Sequence[Parcel], situations: Situations
    ) -> Packing:
        """Read the contacts that these messages open; `situations` are those of their clients."""
        numbers = [parcel.contact for parcel in waiting if parcel.contact is not None]
        contacts = select(Contact, Case).outerjoin(Case, Case.id == Contact.case_id).where(Contact.id.in_(numbers))
        found = await session.execute(contacts) if numbers else ()
        return cls(app, situations, {contact.id: (contact, case) for contact, case in found})

    def warrants(self, parcel: Parcel) -> bool:
        """Whether the debt of a contact is still to be chased, or to be reminded of; an answer always goes out."""
        if parcel.reminds:
            facts = self.situations.facts(parcel.client, parcel.currency, parcel.began_with)
            return outstanding(facts, self.app.script_of(parcel.script).matter)
        return parcel.contact is None or self.situations.warrants(*self.contacts[parcel.contact])

    def pack(self, parcel: Parcel) -> Packed:
        """Put a message into words, under an attempt's id of its own. Raises whatever a script may be wrong in."""
        script = self.app.script_of(parcel.script)
        messages = unpack(json.loads(parcel.content))
        notice, _ = self.contacts.get(parcel.contact or 0, (None, None))
        facts = self.situations.facts(parcel.client, parcel.currency, parcel.began_with, notice)
        token = ""
        if any("pay_link" in script.texts[said.key].placeholders for said in messages):
            token = new_token()
            facts = replace(facts, pay_link=address_of(token, self.app.public_url))
        channel = ChannelKind(parcel.channel)
        speech = render(messages, script, facts, parcel.language, self.app.catalogs, channel)
        if parcel.author == Author.OPERATOR:
            speech = replace(speech, paragraphs=(parcel.words or "",))
        if not any(speech.paragraphs):
            raise NothingToShow("none of its lines holds any more")
        draft = self.app.channels[channel].compose(speech, self._envelope(parcel, uuid4()))
        if not token:
            return Packed(parcel, draft, draft.body)
        return Packed(parcel, draft, draft.body.replace(token, HIDDEN), digest_of(token))

    def _envelope(self, parcel: Parcel, attempt: UUID) -> Envelope:
        lasts = (parcel.send_until - self.situations.now).total_seconds()
        return Envelope(attempt, parcel.to, parcel.thread, first=not parcel.begun, lasts=lasts)
