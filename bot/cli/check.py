"""`amiable check`: scripts, catalogs and plans, every problem with its place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.costs import PLACE, cost_table
from bot.cli.costs import as_json as cost_json
from bot.markdown import NoPlace, put
from bot.simulate.scenario import load_scenario
from dialogs.catalog import SOURCE, CatalogError, load_catalogs
from dialogs.check import Issue
from dialogs.check import check as check_scripts
from dialogs.checks.cost import Cost, costs
from dialogs.flow import SHARED
from dialogs.grammar import schema as script_schema
from dialogs.script import PACKAGED, Script, ScriptError, load_scripts, parse_script
from engine.document import DocumentError, Node, read
from engine.plan_check import Finding, empty_offers, findings, silent_restrictions, silent_stages, without_standard
from engine.sample.portfolio import PLANS
from engine.store.plans import read_plans, unknown_scripts

CURRENCY = "EUR"
RESTRICTION = "consequence_on"
SENT_BY = {
    "promise": "follow_up: {promise_before: DAYS}",
    "broken": "follow_up: {promise_broken: true}",
    "installment": "follow_up: {installment_before: DAYS}",
    "missed": "follow_up: {installment_missed: true}",
    "kept": "follow_up: {promise_kept: true}",
    "dispute": "follow_up: {dispute_opened: true}",
    "answered": "follow_up: {dispute_answered: true}",
    "claim": "follow_up: {payment_unclear: true}",
    "upcoming": "courtesy: [{before_due: DAYS, send: SCRIPT, by: [CHANNEL, ...]}]",
}
"""Under which keys of a plan a script of each matter goes to the clients who have one."""
NOT_TRUE, BAD_INPUT = 1, 2
NOT_YAML, REMEDY = "not YAML", "; put texts in double quotes, and indent with spaces"


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Script, plan or scenario files, or folders of them; none: all that is packaged."),
    ] = None,
    *,
    schema: Annotated[bool, typer.Option(help="Print the JSON Schema of script files, for editors.")] = False,
    segments: Annotated[
        bool, typer.Option(help="Print what each script costs by SMS: first and longest turn.")
    ] = False,
    price: Annotated[str, typer.Option(help="With --segments: money instead, at this price a segment.")] = "",
    into: Annotated[Path | None, typer.Option(help="With --segments: a page that keeps the table.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --segments: one object a script and language.")] = False,
) -> None:
    """Look for mistakes in scripts, catalogs and plans before anybody is written to."""
    if schema:
        typer.echo(json.dumps(script_schema(), indent=2, ensure_ascii=False))
        return
    if segments:
        _priced(paths or (), price, into, as_json=as_json)
        return
    if price or into or as_json:
        typer.echo("amiable: --price, --into and --json belong to --segments; add it", err=True)
        raise typer.Exit(BAD_INPUT)
    files, unreadable = _opened(paths or [PLANS])
    problems = list(_problems(files, packaged=not paths))
    for problem in (*unreadable, *problems):
        typer.echo(problem, err=True)
    if unreadable:
        raise typer.Exit(BAD_INPUT)
    doubts = sum(isinstance(problem, Finding) and problem.warning for problem in problems)
    if len(problems) > doubts:
        raise typer.Exit(NOT_TRUE)
    typer.echo(f"No problems found, {doubts} warning{'s' * (doubts > 1)}." if doubts else "No problems found.")


def _priced(paths: Sequence[Path], price: str, into: Path | None, *, as_json: bool) -> None:
    """Print what SMS cost, or put it into a page: all that is packaged, or the scripts of those files alone."""
    try:
        each = Decimal(price) if price else None
        if each is not None and not (each.is_finite() and each >= 0):
            raise InvalidOperation
        found = list(_drafts(paths) if paths else costs(load_scripts(), load_catalogs()))
        if into:
            into.write_text(put(into.read_text(encoding="utf-8"), PLACE, cost_table(found, each)), encoding="utf-8")
            return
    except (InvalidOperation, NoPlace, OSError, ScriptError, CatalogError) as error:
        told = f"'{price}' is no price; write it as 0.05" if isinstance(error, InvalidOperation) else error
        typer.echo(f"amiable: {told}", err=True)
        raise typer.Exit(BAD_INPUT) from error
    typer.echo("\n".join(json.dumps(cost_json(cost, each)) for cost in found) if as_json else cost_table(found, each))


def _drafts(paths: Sequence[Path]) -> Iterator[Cost]:
    """The costs of scripts in files, in the languages that all of them are translated into."""
    scripts = [parse_script(path.read_text(encoding="utf-8"), str(path)) for path in _files(paths)]
    texts = [script.texts[key] for script in scripts for key in script.own]
    catalogs = {
        name: catalog
        for name, catalog in load_catalogs().items()
        if name == SOURCE or all(catalog.messages.get(text.english, context=text.key) for text in texts)
    }
    return (cost for cost in costs({one.name: one for one in scripts}, catalogs) if cost.script != SHARED)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files, and those of folders."""
    for path in paths:
        yield from sorted(path.glob("*.yaml")) if path.is_dir() else (path,)


def _opened(paths: list[Path]) -> tuple[list[tuple[Path, Node]], list[str]]:
    """The documents of the files, and why the others are none."""
    files, unreadable = [], []
    for path in _files(paths):
        try:
            files.append((path, read(path)))
        except DocumentError as error:
            unreadable.append(f"{error}{REMEDY * error.message.startswith(NOT_YAML)}")
    return files, unreadable


Problem = Finding | Issue | DocumentError | ScriptError | CatalogError


def _problems(files: list[tuple[Path, Node]], *, packaged: bool) -> Iterator[Problem]:
    try:
        scripts, catalogs = load_scripts(), load_catalogs()
    except (ScriptError, CatalogError) as error:
        yield error
        return
    if packaged:
        yield from check_scripts(scripts, catalogs)
    for path, root in files:
        yield from _file(path, root, scripts)


def _file(path: Path, root: Node, scripts: Mapping[str, Script]) -> Iterator[Problem]:
    """The problems of one file: a script has `script:` at its top, plans and scenarios have `plans:`."""
    try:
        keys = root.value if isinstance(root.value, dict) else {}
        if "plans" in keys:
            if "scenario" in keys:
                load_scenario(path)
            yield from _plans(root, keys, scripts)
        elif "script" in keys and keys["script"].value == SHARED:
            yield from _shared(path)
        elif "script" in keys:
            script = parse_script(path.read_text(encoding="utf-8"), str(path))
            yield from check_scripts({script.name: script}, {})
        else:
            yield root.wrong("neither a script (script: NAME) nor plans (plans: [...])")
    except (DocumentError, ScriptError) as error:
        yield error


def _shared(path: Path) -> Iterator[Problem]:
    """The problems that the shared script has, in any of the scripts that are packaged."""
    shared = path.read_text(encoding="utf-8")
    sources = {file.stem: file.read_text(encoding="utf-8") for file in PACKAGED.glob("*.yaml") if file.stem != SHARED}
    scripts = [parse_script(text, f"{stem}.yaml", shared, sources) for stem, text in sources.items()]
    yield from check_scripts({script.name: script for script in scripts}, load_catalogs())


def _plans(root: Node, keys: Mapping[str, Node], scripts: Mapping[str, Script]) -> Iterator[Problem]:
    """The problems of the plans of a document."""
    plans = read_plans(root, keys["currency"].text() if "currency" in keys else CURRENCY)
    yield from unknown_scripts(plans, scripts)
    naming = {name for name, script in scripts.items() if always_names_a_restriction(script)}
    matters = {name: script.matter for name, script in scripts.items() if script.matter}
    remedies = {name: SENT_BY[matter] for name, matter in matters.items() if matter in SENT_BY}
    for terms, node in plans:
        yield from findings(terms, node)
        yield from silent_restrictions(terms, node, naming)
        yield from silent_stages(terms, node, remedies)
        yield from empty_offers(terms, node, matters)
    yield from without_standard(keys["groups"], [terms for terms, _ in plans])


def always_names_a_restriction(script: Script) -> bool:
    """Whether a text of its own has the day a service is limited, said also where there is none."""
    return any(
        RESTRICTION in script.texts[line.key].placeholders and line.when != RESTRICTION
        for step in script.steps.values()
        for line in step.lines
        if line.key in script.own
    )
