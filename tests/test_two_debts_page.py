"""The page about the two debts cannot go stale: its numbers are played, its plan is read, and no key is left out."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

from bot.because import of_plan
from bot.simulate.play import play
from bot.simulate.scenario import load_scenario
from engine import plan_file
from engine.document import parse, read
from engine.explaining.why import why
from engine.plan_check import findings
from engine.store.plans import read_plans
from engine.store.session import Database

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "two-debts.md").read_text()
SCENARIO = ROOT / "tests" / "scenarios" / "two-debts.yaml"
ROW = re.compile(r"^\| (\d{4}-\d\d-\d\d) \| .* \| (\d+) \| (\d+) \| (\d+) \| (\w+)(?:, (\w+))? \|$", flags=re.M)


async def test_every_row_of_the_example_is_what_the_engine_does(database_url: str) -> None:
    rows = ROW.findall(PAGE)
    assert len(rows) == 11
    expected = {
        (one["on"], one["real_debt"], one["conditional_debt"], one["case"], one.get("stage", ""))
        for one in read(SCENARIO).mapping((), read(SCENARIO).value)["expect"].plain()
        if "real_debt" in one
    }
    assert {(day, real, conditional, case, stage) for day, real, _, conditional, case, stage in rows} == expected
    assert all(int(real) - int(frozen) == int(conditional) for _, real, frozen, conditional, _, _ in rows)
    played = await play(load_scenario(SCENARIO), database_url)
    assert played.failures == []
    database = Database(database_url)
    async with database.read() as session:
        answer = await why(session, "maria", date(2026, 3, 12), datetime(2026, 3, 31, 20, tzinfo=UTC))
    await database.close()
    (quoted,) = re.findall(r"answers:\n\n```\n(.*?)\n```", PAGE, flags=re.S)
    assert quoted.split() == " ".join(of_plan(answer.works[0], answer)).split()


def test_the_plan_of_the_page_has_every_key_and_nothing_to_find_fault_with() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.S)
    ((terms, node),) = read_plans(parse(block, "two-debts.md"), "EUR")
    assert list(findings(terms, node)) == []
    source = Path(plan_file.__file__).read_text()
    keys = {*plan_file.PLAN_KEYS, *plan_file.STAGE_KEYS, *plan_file.ACTION_KEYS, *plan_file.COURTESY_KEYS}
    keys |= set(re.findall(r'keys\["(\w+)"\]', source)) | set(re.findall(r'_whole\(keys, "(\w+)"\)', source))
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}:", block)] == []
