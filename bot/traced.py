"""What became of a day's contacts, and what people did, in English sentences that a collections manager reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.because import shown
from engine.contact import Delivery
from engine.explaining.traces import Act, Given, Ordered, Sending, Touch, Traces
from engine.money import Money
from engine.store.consents import CONSENT, Consent
from engine.store.tables.casework import ContactState, Occasion

FARED = {
    Delivery.READY: "queued",
    Delivery.SENDING: "being sent",
    Delivery.UNKNOWN: "sent, but whether the carrier took it is not known",
    Delivery.ACCEPTED: "taken by the carrier",
    Delivery.SENT: "sent",
    Delivery.DELIVERED: "delivered",
    Delivery.READ: "read",
    Delivery.FAILED: "failed",
    Delivery.EXPIRED: "not sent",
    Delivery.REFUSED: "not sent",
}
ABOUT = {
    Occasion.ADDED: "added by a person",
    Occasion.BEFORE_DUE: "before an invoice falls due",
    Occasion.PROMISE_BEFORE: "before a promise falls due",
    Occasion.PROMISE_BROKEN: "after a promise was broken",
    Occasion.INSTALLMENT_BEFORE: "before an installment falls due",
    Occasion.INSTALLMENT_MISSED: "after an installment was missed",
    Occasion.SERVICE_RESTORED: "after a service was restored",
    Occasion.PROMISE_KEPT: "after a promise was kept",
    Occasion.DISPUTE_OPENED: "after a dispute was noted",
    Occasion.DISPUTE_ANSWERED: "after a dispute was resolved",
    Occasion.PAYMENT_UNCLEAR: "after a payment they had told of was not found",
}
DONE = {
    "moved": "{by} moved the case to stage {stage}: {reason}.",
    "stage_skipped": "{by} took stage {stage} out of the case: {reason}.",
    "stage_held": "{by} held stage {stage} back until {until}: {reason}.",
    "stage_resumed": "{by} let stage {stage} come in its turn again: {reason}.",
    "contact_added": "{by} added the contact {script}: {reason}.",
    "version_changed": "{by} moved the case to version {version} of its plan: {reason}.",
    "paused": "{by} paused all work until {until}: {reason}.",
    "pause_ended": "{by} ended a pause: {reason}.",
    "exemption_ended": "{by} ended an exemption: {reason}.",
    "taken_over": "{operator} took over the conversation by {channel}; the bot is silent in it.",
    "handed_back": "{operator} handed the conversation by {channel} back to the bot.",
    "tried_again": "{operator} had a parked message by {channel} tried again.",
    "given_up": "{operator} gave a parked message by {channel} up: {reason}.",
    "gap_closed": "{operator} closed the gap of {subject} by {channel}: {reason}.",
    "refund": "What was paid on {invoice} was taken back: {amount}.",
    "promise": "{amount} was promised until {until}.",
    "amnesty": "The amnesty was taken: {amount} is to be cancelled once the promised part has come.",
    "amnesty_settled": "{by} settled the amnesty: {cancelled} of {amount} cancelled: {reason}.",
    "dispute": "{amount} was disputed: {reason}.",
    "dispute_recorded": "{by} noted the dispute.",
}
CONSENTS = {
    Consent.OPTED_OUT: "The client wants no more messages by {channel} (said by {means}).",
    Consent.OPTED_IN: "The client wants messages by {channel} again (said by {means}).",
    Consent.UNUSABLE: "The address for {channel} was found to be of no use (by {means}).",
    Consent.USABLE: "The address for {channel} is of use again (by {means}).",
}
BY_PEOPLE = frozenset(
    {"moved", "stage_skipped", "stage_held", "stage_resumed", "contact_added", "version_changed"}
    | {"paused", "pause_ended", "exempted", "exemption_ended", "taken_over", "handed_back", "deed"}
    | {"tried_again", "given_up", "gap_closed"}
)
"""Kinds of the history that are deviations and other deeds of people, not of the engine or the client."""


def fate(contact: Touch, day: Traces, zone: ZoneInfo) -> str:
    """One contact: what it was, by which channels, and how it fared."""
    about = f"stage {_words(contact.stage)}" if contact.stage else ABOUT.get(contact.occasion, contact.occasion)
    by = ", then ".join(contact.channels)
    return f"{_words(contact.script)} ({about}), planned {_moment(contact.planned_at, zone)} by {by}: " + _fate(
        contact, day, zone
    )


def ordered(one: Ordered, zone: ZoneInfo) -> str:
    """One order, and what the other system said."""
    on = f" on {one.account}" if one.account else ""
    answer = {None: "not acknowledged yet", "done": "done"}.get(one.outcome, str(one.outcome))
    return f"{_words(one.verb)}{on}, {_moment(one.at, zone)}: {answer}" + (f" ({one.note})" if one.note else "")


def given(one: Given, zone: ZoneInfo) -> str:
    """One task."""
    return f"{one.kind}: {one.reason}" + (f", done {_moment(one.done_at, zone)}" if one.done_at else ", open")


def act(one: Act) -> str:
    """One line of the history, in a sentence."""
    detail = {name: _detail(name, value, one.detail) for name, value in one.detail.items() if value is not None}
    if one.kind == "exempted":
        what = detail.get("invoice") or detail.get("account") or "everything of the client"
        end = f" until {detail['until']}" if "until" in detail else ""
        return f"{detail['by']} held {what} out of the work{end}: {detail['reason']}."
    if one.kind == CONSENT:
        return CONSENTS[Consent(one.detail["what"])].format_map(_Complete(detail))
    if one.kind in DONE:
        return DONE[one.kind].format_map(_Complete(detail))
    told = ", ".join(f"{_words(name)} {value}" for name, value in detail.items() if name != "currency")
    return f"{_words(one.kind).capitalize()}" + (f": {told}." if told else ".")


class _Complete(dict[str, str]):
    """What an older line of the history does not say is not known."""

    def __missing__(self, key: str) -> str:
        return "somebody" if key in ("by", "operator") else "not said"


def _fate(contact: Touch, day: Traces, zone: ZoneInfo) -> str:
    told = "; ".join(_sending(one, zone) for one in contact.sendings)
    match contact.state:
        case ContactState.SUPERSEDED:
            return told or "dropped before it went out: the debt it was about was paid or frozen, or its case closed."
        case ContactState.UNREACHABLE:
            return "; ".join(filter(None, (told, _unreachable(contact, day, zone))))
        case ContactState.PLANNED if day.with_people:
            waits = f"a person has taken over a conversation by {', '.join(day.with_people)}, so the bot starts none"
        case ContactState.PLANNED:
            waits = f"waits for the client's hours, from {_moment(contact.send_from, zone)}"
        case _:
            return told or "opened."
    return "; ".join(filter(None, (told, waits))) + "."


def _sending(one: Sending, zone: ZoneInfo) -> str:
    at = f" {_moment(one.at, zone)}" if one.at else ""
    return f"{one.channel}{at}: {FARED[one.state]}" + (f" ({one.reason})" if one.reason else "")


def _unreachable(contact: Touch, day: Traces, zone: ZoneInfo) -> str:
    if contact.why and contact.why.startswith("there is no script"):
        return f"not sent: {contact.why}."
    return "nobody could be reached: " + "; ".join(_way(channel, day, zone) for channel in contact.channels) + "."


def _way(channel: str, day: Traces, zone: ZoneInfo) -> str:
    ways = [way for way in day.ways if way.channel == channel]
    if not ways:
        return f"no address for {channel}"
    for way in ways:
        if way.opted_out_at:
            return f"opted out of {channel} {_moment(way.opted_out_at, zone)}"
        if way.dead_since:
            return f"the address for {channel} is unusable since {_moment(way.dead_since, zone)}"
    return f"{channel} was tried, or is not switched on"


def _detail(name: str, value: object, beside: Mapping[str, Any]) -> str:
    if name in ("until", "on", "due_on"):
        return shown(date.fromisoformat(str(value)))
    if name in ("amount", "granted", "cancelled") and isinstance(value, int) and "currency" in beside:
        return str(Money(value, beside["currency"]))
    return _words(str(value)) if name in ("deed", "kind") else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{shown(local.date())} {local:%H:%M}"
