"""`amiable check`: scripts, catalogs and plans, every problem with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from dialogs.catalog import CatalogError, load_catalogs
from dialogs.check import check as check_scripts
from dialogs.script import Script, ScriptError, load_scripts, parse_script
from engine.document import DocumentError, Node, read
from engine.plan import Plan, Send
from engine.sample.portfolio import PLANS
from engine.store.plans import read_plans

CURRENCY = "EUR"


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Script or plan files; none: all that is packaged.")
    ] = None,
) -> None:
    """Look for mistakes in scripts, catalogs and plans before anybody is written to."""
    problems = list(_problems(paths or []))
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo("No problems found.")


def _problems(paths: list[Path]) -> Iterator[str]:
    try:
        scripts, catalogs = load_scripts(), load_catalogs()
    except (ScriptError, CatalogError) as error:
        yield str(error)
        return
    if not paths:
        yield from map(str, check_scripts(scripts, catalogs))
    for path in paths or [PLANS]:
        yield from _file(path, scripts)


def _file(path: Path, scripts: Mapping[str, Script]) -> Iterator[str]:
    """The problems of one file: a script has `script:` at its top, plans and scenarios have `plans:`."""
    try:
        root = read(path)
        keys = root.value if isinstance(root.value, dict) else {}
        if "plans" in keys:
            for plan, node in read_plans(root, CURRENCY):
                yield from _unknown_scripts(plan, node, scripts)
        elif "script" in keys:
            script = parse_script(path.read_text(encoding="utf-8"), str(path))
            yield from map(str, check_scripts({script.name: script}, {}))
        else:
            yield str(root.wrong("neither a script (script: NAME) nor plans (plans: [...])"))
    except (DocumentError, ScriptError) as error:
        yield str(error)


def _unknown_scripts(plan: Plan, node: Node, scripts: Mapping[str, Script]) -> Iterator[str]:
    for stage in plan.stages:
        for action in stage.actions:
            if isinstance(action, Send) and action.script not in scripts:
                known = ", ".join(sorted(scripts))
                yield str(node.wrong(f"stage {stage.name}: there is no script '{action.script}'; there are: {known}"))
