"""Reading plans from YAML (the format of SCENARIOS.md, and what extends it). Every fault is told with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from engine.contact import ChannelKind
from engine.document import Node, unique
from engine.installment import Every, InstallmentPolicy
from engine.money import BadAmount, money
from engine.offer import Amnesty, Prepayment
from engine.plan import (
    EVERYTHING,
    Action,
    Advance,
    Courtesy,
    FollowUp,
    GiveTask,
    Inclusion,
    Notice,
    Offers,
    Order,
    Plan,
    Send,
    Stage,
    TaskKind,
    Verb,
)

PLAN_OPTIONS = (
    *("standard", "include", "exit_debt", "blinking", "advance", "min_days_between_contacts"),
    *("grace", "promise_threshold", "installments", "follow_up", "courtesy", "offers", "agency"),
)
PLAN_KEYS = ("plan", "group", "start", "stages", *PLAN_OPTIONS)
TERM_KEYS = ("after_days", "min_debt", "days_past_due", "min_unpaid_invoices", "needs_delivered")
STAGE_KEYS = ("stage", "actions", *TERM_KEYS)
ACTION_KEYS = ("send", "by", "do", "min_account_debt", "task")
COURTESY_KEYS = ("before_due", "send", "by")
FOLLOW_UP_KEYS = ("promise_before", "promise_broken", "installment_before", "installment_missed", "by")
PERCENT = 100
LONGEST_GRACE = 90
LONGEST_OFFER = 90


def plan(node: Node, currency: str) -> Plan:
    """Read one plan; its sums are in `currency`. Raises DocumentError with the place of what is wrong."""
    keys = node.mapping(("plan", "group", "start", "stages"), PLAN_OPTIONS)
    start = keys["start"].mapping(("after_days", "min_debt"))
    min_debt = _sum(start["min_debt"], currency)
    advance = keys["advance"].word(Advance) if "advance" in keys else Advance.STEPWISE
    return Plan(
        name=keys["plan"].text(),
        group=keys["group"].text(),
        standard="standard" in keys and keys["standard"].flag(),
        after_days=start["after_days"].whole(),
        min_debt=min_debt,
        stages=_stages(keys["stages"], min_debt, advance, currency),
        exit_debt=_sum(keys["exit_debt"], currency) if "exit_debt" in keys else 0,
        blinking="blinking" in keys and keys["blinking"].flag(),
        advance=advance,
        include=_inclusion(keys["include"], currency) if "include" in keys else EVERYTHING,
        min_days_between_contacts=_whole(keys, "min_days_between_contacts"),
        grace=_grace(keys["grace"]) if "grace" in keys else 0,
        promise_threshold=_percent(keys["promise_threshold"], 1) if "promise_threshold" in keys else PERCENT,
        installments=_policy(keys["installments"], currency) if "installments" in keys else None,
        follow_up=_follow_up(keys["follow_up"]) if "follow_up" in keys else FollowUp(),
        courtesies=_courtesies(keys["courtesy"]) if "courtesy" in keys else (),
        offers=_offers(keys["offers"], currency) if "offers" in keys else Offers(),
        agency=keys["agency"].text() if "agency" in keys else "",
    )


def sends(node: Node) -> Iterator[Node]:
    """The scripts a plan sends, each with its place; `node` is one that `plan` has read."""
    keys = node.mapping((), PLAN_KEYS)
    for stage in keys["stages"].items():
        actions = stage.mapping((), STAGE_KEYS).get("actions")
        for action in actions.items() if actions else ():
            if "send" in (said := action.mapping((), ACTION_KEYS)):
                yield said["send"]
    for courtesy in keys["courtesy"].items() if "courtesy" in keys else ():
        yield courtesy.mapping((), COURTESY_KEYS)["send"]


def _stages(node: Node, min_debt: int, advance: Advance, currency: str) -> tuple[Stage, ...]:
    nodes = node.items()
    if not nodes:
        raise node.wrong("a plan needs at least one stage")
    stages: list[Stage] = []
    for one in nodes:
        stages.append(_stage(one, min_debt, [stage.name for stage in stages], currency))
        if advance is Advance.STRICTEST and stages[-1].after_days:
            place = one.mapping((), STAGE_KEYS)["after_days"]
            raise place.wrong("a strictest plan knows no 'after_days': its stages go by what is owed; leave it out")
    unique(nodes, (stage.name for stage in stages), "stages")
    return tuple(stages)


def _stage(node: Node, start_min_debt: int, earlier: Sequence[str], currency: str) -> Stage:
    keys = node.mapping(("stage",), STAGE_KEYS)
    return Stage(
        name=keys["stage"].text(),
        after_days=_whole(keys, "after_days"),
        min_debt=_sum(keys["min_debt"], currency) if "min_debt" in keys else start_min_debt,
        days_past_due=_whole(keys, "days_past_due"),
        min_unpaid_invoices=_whole(keys, "min_unpaid_invoices"),
        actions=tuple(_action(action, currency) for action in keys["actions"].items()) if "actions" in keys else (),
        needs_delivered=_earlier(keys["needs_delivered"], earlier) if "needs_delivered" in keys else None,
    )


def _earlier(node: Node, earlier: Sequence[str]) -> int:
    name = node.text()
    if name not in earlier:
        known = ", ".join(earlier) or "none"
        raise node.wrong(f"'{name}' is not an earlier stage of this plan; the earlier ones are: {known}")
    return earlier.index(name)


def _action(node: Node, currency: str) -> Action:
    keys = node.mapping((), ACTION_KEYS)
    names = set(keys)
    if names == {"send", "by"}:
        return Send(keys["send"].text(), _channels(keys["by"]))
    if names in ({"do"}, {"do", "min_account_debt"}):
        floor = _sum(keys["min_account_debt"], currency) if "min_account_debt" in keys else 1
        return Order(keys["do"].word(Verb), max(floor, 1))
    if names == {"task"}:
        return GiveTask(keys["task"].word(TaskKind))
    raise node.wrong("an action is one of: {send: SCRIPT, by: [CHANNEL, ...]}, {do: VERB}, {task: KIND}")


def _channels(node: Node) -> tuple[ChannelKind, ...]:
    channels = tuple(channel.word(ChannelKind) for channel in node.items())
    if not channels:
        raise node.wrong("name at least one channel")
    unique(node.items(), channels, "channels")
    return channels


def _inclusion(node: Node, currency: str) -> Inclusion:
    keys = node.mapping((), ("services", "providers", "min_age", "max_age", "min_amount"))
    inclusion = Inclusion(
        services=frozenset(keys["services"].texts()) if "services" in keys else frozenset(),
        providers=frozenset(keys["providers"].texts()) if "providers" in keys else frozenset(),
        min_age=_whole(keys, "min_age"),
        max_age=keys["max_age"].whole() if "max_age" in keys else None,
        min_amount=_sum(keys["min_amount"], currency) if "min_amount" in keys else 0,
    )
    if inclusion.max_age is not None and inclusion.max_age < inclusion.min_age:
        raise keys["max_age"].wrong("no invoice is that young and that old at once: max_age is below min_age")
    return inclusion


def _follow_up(node: Node) -> FollowUp:
    keys = node.mapping((), (*FOLLOW_UP_KEYS, *Notice))
    return FollowUp(
        promise_before=keys["promise_before"].whole() if "promise_before" in keys else None,
        promise_broken="promise_broken" in keys and keys["promise_broken"].flag(),
        installment_before=keys["installment_before"].whole() if "installment_before" in keys else None,
        installment_missed="installment_missed" in keys and keys["installment_missed"].flag(),
        notices=frozenset(notice for notice in Notice if notice in keys and keys[notice].flag()),
        channels=_channels(keys["by"]) if "by" in keys else (),
    )


def _courtesies(node: Node) -> tuple[Courtesy, ...]:
    found = []
    for one in node.items():
        keys = one.mapping(COURTESY_KEYS)
        if not keys["before_due"].whole():
            raise keys["before_due"].wrong("on its due date an invoice is debt already: give at least 1 day")
        send = Send(keys["send"].text(), _channels(keys["by"]))
        found.append(Courtesy(keys["before_due"].whole(), send))
    unique(node.items(), (str(one.before_due) for one in found), "reminders before the due date")
    return tuple(found)


def _policy(node: Node, currency: str) -> InstallmentPolicy:
    options = ("least_part", "first_share", "interest", "fee", "approval_above", "every")
    keys = node.mapping(("most_parts",), options)
    return InstallmentPolicy(
        most_parts=keys["most_parts"].whole(),
        least_part=_sum(keys["least_part"], currency) if "least_part" in keys else 0,
        first_share=_percent(keys["first_share"]) if "first_share" in keys else 0,
        interest=_rate(keys["interest"]) if "interest" in keys else Decimal(0),
        fee=_sum(keys["fee"], currency) if "fee" in keys else 0,
        approval_above=_sum(keys["approval_above"], currency) if "approval_above" in keys else None,
        every=keys["every"].word(Every) if "every" in keys else Every.MONTH,
    )


def _offers(node: Node, currency: str) -> Offers:
    keys = node.mapping((), ("amnesty", "prepayment"))
    return Offers(
        _amnesty(keys["amnesty"]) if "amnesty" in keys else None,
        _prepayment(keys["prepayment"], currency) if "prepayment" in keys else None,
    )


def _amnesty(node: Node) -> Amnesty:
    keys = node.mapping(("pay", "within"))
    pay = keys["pay"].whole()
    if not 1 <= pay < PERCENT:
        raise keys["pay"].wrong(f"an amnesty asks for 1 to {PERCENT - 1} percent of the debt, found {pay}")
    return Amnesty(pay, _within(keys["within"]))


def _prepayment(node: Node, currency: str) -> Prepayment:
    keys = node.mapping(("months", "free", "price", "within"))
    for key in ("months", "free"):
        if not keys[key].whole():
            raise keys[key].wrong("at least 1 month is needed; without it there is no offer")
    price = _sum(keys["price"], currency)
    if not price:
        raise keys["price"].wrong("say what the months cost together; it is above zero")
    return Prepayment(keys["months"].whole(), keys["free"].whole(), price, _within(keys["within"]))


def _whole(keys: dict[str, Node], key: str) -> int:
    return keys[key].whole() if key in keys else 0


def _grace(node: Node) -> int:
    days = node.whole()
    if days > LONGEST_GRACE:
        raise node.wrong(f"a promise waits at most {LONGEST_GRACE} days after its last one, not {days}")
    return days


def _within(node: Node) -> int:
    days = node.whole()
    if not 1 <= days <= LONGEST_OFFER:
        raise node.wrong(f"an offer stands 1 to {LONGEST_OFFER} days after it was made, not {days}")
    return days


def _percent(node: Node, least: int = 0) -> int:
    share = node.whole()
    if not least <= share <= PERCENT:
        raise node.wrong(f"a percentage from {least} to {PERCENT} is needed, found {share}")
    return share


def _rate(node: Node) -> Decimal:
    try:
        rate = Decimal(node.text())
    except InvalidOperation:
        raise node.wrong(f"'{node.value}' is not a percentage a year, such as 12 or 7.5") from None
    if not 0 <= rate <= PERCENT:
        raise node.wrong(f"interest is a percentage a year from 0 to {PERCENT}, found {rate}")
    return rate


def _sum(node: Node, currency: str) -> int:
    try:
        value = money(node.text(), currency)
    except BadAmount as error:
        raise node.wrong(str(error)) from error
    if value.minor < 0:
        raise node.wrong("a sum here cannot be negative; write 0 or more")
    return value.minor
