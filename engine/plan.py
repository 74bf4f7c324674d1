"""Plans: what is done about a debt, stage by stage. Read from YAML (docs: SCENARIOS format), kept as versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.contact import ChannelKind
from engine.document import Node, unique
from engine.money import BadAmount, money


class Verb(StrEnum):
    """An order to another system. `restore_service` is given by the engine itself when a case closes."""

    SUSPEND_SERVICE = "suspend_service"
    RESTORE_SERVICE = "restore_service"
    STATUS_COLLECTIONS = "status_collections"


class TaskKind(StrEnum):
    """Work for a person."""

    CALL = "call"
    VISIT = "visit"
    LETTER = "letter"
    REVIEW = "review"
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class Send:
    """Talk to the client: a script, by the first of the channels that can reach them."""

    script: str
    channels: tuple[ChannelKind, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """An order for each account whose own conditional debt reaches `min_account_debt` minor units (A9)."""

    verb: Verb
    min_account_debt: int


@dataclass(frozen=True, slots=True)
class GiveTask:
    """A task in the work list."""

    kind: TaskKind


Action = Send | Order | GiveTask


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a plan. It is entered when all of its terms hold; sums are minor units of the case's currency.

    `after_days` counts calendar days since the previous stage was entered, for the first stage since the cycle began.
    """

    name: str
    after_days: int
    min_debt: int
    days_past_due: int
    min_unpaid_invoices: int
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan in one currency. Work starts on debts `after_days` past due once they reach `min_debt` minor units."""

    name: str
    group: str
    standard: bool
    after_days: int
    min_debt: int
    exit_debt: int
    services: frozenset[str]
    stages: tuple[Stage, ...]


PLAN_LATER = ("follow_up", "grace", "min_days_between_contacts", "promise", "installments")
ONLY_DEFAULT = {"blinking": ("false", "true"), "advance": ("stepwise", "strictest")}
"""Keys of a plan that may stand with their default, the first value; the second is not built."""
PLAN_KEYS = ("plan", "group", "start", "stages", "standard", "include", "exit_debt", *ONLY_DEFAULT)
STAGE_KEYS = ("stage", "after_days", "min_debt", "days_past_due", "min_unpaid_invoices", "actions")
ACTION_KEYS = ("send", "by", "do", "min_account_debt", "task")
STAGE_LATER = ("needs_delivered",)
VERBS_LATER = (
    "credit_hold",
    "recommend_credit_limit",
    "letter",
    "refer_agency",
    "legal_review",
    "write_off_request",
    "charge_fee",
    "offer_campaign",
)


def plan(node: Node, currency: str) -> Plan:
    """Read one plan; its sums are in `currency`. Raises DocumentError with the place of what is wrong."""
    keys = node.mapping(("plan", "group", "start", "stages"), PLAN_KEYS, PLAN_LATER)
    _refuse_other_than_default(keys)
    start = keys["start"].mapping(("after_days", "min_debt"))
    min_debt = _sum(start["min_debt"], currency)
    stage_nodes = keys["stages"].items()
    if not stage_nodes:
        raise keys["stages"].wrong("a plan needs at least one stage")
    stages = tuple(_stage(stage, min_debt, currency) for stage in stage_nodes)
    unique(stage_nodes, (stage.name for stage in stages), "stages")
    return Plan(
        name=keys["plan"].text(),
        group=keys["group"].text(),
        standard="standard" in keys and keys["standard"].flag(),
        after_days=start["after_days"].whole(),
        min_debt=min_debt,
        exit_debt=_sum(keys["exit_debt"], currency) if "exit_debt" in keys else 0,
        services=_services(keys["include"]) if "include" in keys else frozenset(),
        stages=stages,
    )


def _refuse_other_than_default(keys: dict[str, Node]) -> None:
    for key, (default, later) in ONLY_DEFAULT.items():
        value = keys[key].text() if key in keys else default
        if value == later:
            raise keys[key].wrong(f"'{key}: {later}' is not supported yet; leave it out or write {key}: {default}")
        if value != default:
            raise keys[key].wrong(f"'{value}' is not one of: {default}, {later}")


def sends(node: Node) -> Iterator[Node]:
    """The scripts a plan sends, each with its place; `node` is one that `plan` has read."""
    for stage in node.mapping((), PLAN_KEYS)["stages"].items():
        actions = stage.mapping((), STAGE_KEYS).get("actions")
        for action in actions.items() if actions else ():
            if "send" in (keys := action.mapping((), ACTION_KEYS)):
                yield keys["send"]


def _services(node: Node) -> frozenset[str]:
    return frozenset(node.mapping(("services",), (), ("providers", "min_age", "min_amount"))["services"].texts())


def _stage(node: Node, start_min_debt: int, currency: str) -> Stage:
    keys = node.mapping(("stage",), STAGE_KEYS, STAGE_LATER)
    return Stage(
        name=keys["stage"].text(),
        after_days=_whole(keys, "after_days"),
        min_debt=_sum(keys["min_debt"], currency) if "min_debt" in keys else start_min_debt,
        days_past_due=_whole(keys, "days_past_due"),
        min_unpaid_invoices=_whole(keys, "min_unpaid_invoices"),
        actions=tuple(_action(action, currency) for action in keys["actions"].items()) if "actions" in keys else (),
    )


def _action(node: Node, currency: str) -> Action:
    keys = node.mapping((), ACTION_KEYS)
    names = set(keys)
    if names == {"send", "by"}:
        channels = tuple(channel.word(ChannelKind) for channel in keys["by"].items())
        if not channels:
            raise keys["by"].wrong("name at least one channel")
        return Send(keys["send"].text(), channels)
    if names in ({"do"}, {"do", "min_account_debt"}):
        if keys["do"].value in VERBS_LATER:
            raise keys["do"].wrong(f"'do: {keys['do'].value}' is not supported yet")
        floor = _sum(keys["min_account_debt"], currency) if "min_account_debt" in keys else 1
        return Order(keys["do"].word(Verb), max(floor, 1))
    if names == {"task"}:
        return GiveTask(keys["task"].word(TaskKind))
    raise node.wrong("an action is one of: {send: SCRIPT, by: [CHANNEL, ...]}, {do: VERB}, {task: KIND}")


def _whole(keys: dict[str, Node], key: str) -> int:
    return keys[key].whole() if key in keys else 0


def _sum(node: Node, currency: str) -> int:
    try:
        value = money(node.text(), currency)
    except BadAmount as error:
        raise node.wrong(str(error)) from error
    if value.minor < 0:
        raise node.wrong("a sum here cannot be negative")
    return value.minor
