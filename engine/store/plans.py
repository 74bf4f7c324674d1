"""Plan groups and plan versions in the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from engine.document import DocumentError, Node, unique
from engine.plan import Plan
from engine.plan_file import plan, sends
from engine.store.session import WriteSession
from engine.store.tables.portfolio import PlanGroup, PlanVersion


def read_plans(root: Node, currency: str) -> list[tuple[Plan, Node]]:
    """The plans of a document with the keys `groups` and `plans`. Raises DocumentError with the place of a fault."""
    keys = root.mapping(("groups", "plans"), root.value if isinstance(root.value, dict) else ())
    groups = keys["groups"].texts()
    if not groups:
        raise keys["groups"].wrong("name at least one group")
    nodes = keys["plans"].items()
    plans = [(plan(node, currency), node) for node in nodes]
    unique(nodes, (terms.name for terms, _ in plans), "plans")
    standard: dict[str, str] = {}
    for terms, node in plans:
        if terms.group not in groups:
            raise node.wrong(f"the plan '{terms.name}' is of the group '{terms.group}', which 'groups' does not name")
        if terms.standard and terms.group in standard:
            raise node.wrong(f"the group '{terms.group}' has two standard plans: {standard[terms.group]}, {terms.name}")
        if terms.standard:
            standard[terms.group] = terms.name
    return plans


def unknown_scripts(plans: Iterable[tuple[Plan, Node]], scripts: Collection[str]) -> Iterator[DocumentError]:
    """An error for each place where a plan sends a script that is not there."""
    for terms, node in plans:
        for sent in sends(node):
            if sent.text() not in scripts:
                known = ", ".join(sorted(scripts))
                yield sent.wrong(f"plan {terms.name}: there is no script '{sent.text()}'; there are: {known}")


async def publish_plans(session: WriteSession, groups: Sequence[str], plans: Sequence[tuple[Plan, Node]]) -> int:
    """Put these plans in force; one whose terms are in force already stays. How many are new or changed."""
    await session.execute(
        insert(PlanGroup).values([{"name": name} for name in groups]).on_conflict_do_nothing(index_elements=["name"])
    )
    ids = {row.name: row.id for row in await session.scalars(select(PlanGroup))}
    fresh = 0
    for terms, node in plans:
        current = await session.scalar(select(PlanVersion).where(PlanVersion.name == terms.name, PlanVersion.in_force))
        if current is not None and current.terms == node.plain():
            continue
        latest = await session.scalar(select(func.max(PlanVersion.version)).where(PlanVersion.name == terms.name))
        await session.execute(update(PlanVersion).where(PlanVersion.name == terms.name).values(in_force=False))
        session.add(
            PlanVersion(
                group_id=ids[terms.group],
                name=terms.name,
                version=(latest or 0) + 1,
                standard=terms.standard,
                in_force=True,
                terms=node.plain(),
            )
        )
        await session.flush()
        fresh += 1
    return fresh
