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
from engine.sample.portfolio import PLANS
from engine.store.plans import read_plans, unknown_scripts

CURRENCY = "EUR"
NOT_TRUE, BAD_INPUT = 1, 2


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Script or plan files; none: all that is packaged.")
    ] = None,
) -> None:
    """Look for mistakes in scripts, catalogs and plans before anybody is written to."""
    files, unreadable = _opened(paths or [PLANS])
    problems = list(_problems(files, packaged=not paths))
    for problem in (*unreadable, *problems):
        typer.echo(problem, err=True)
    if unreadable:
        raise typer.Exit(BAD_INPUT)
    if problems:
        raise typer.Exit(NOT_TRUE)
    typer.echo("No problems found.")


def _opened(paths: list[Path]) -> tuple[list[tuple[Path, Node]], list[str]]:
    """The documents of the files, and why the others are none."""
    files, unreadable = [], []
    for path in paths:
        try:
            files.append((path, read(path)))
        except DocumentError as error:
            unreadable.append(str(error))
    return files, unreadable


def _problems(files: list[tuple[Path, Node]], *, packaged: bool) -> Iterator[str]:
    try:
        scripts, catalogs = load_scripts(), load_catalogs()
    except (ScriptError, CatalogError) as error:
        yield str(error)
        return
    if packaged:
        yield from map(str, check_scripts(scripts, catalogs))
    for path, root in files:
        yield from _file(path, root, scripts)


def _file(path: Path, root: Node, scripts: Mapping[str, Script]) -> Iterator[str]:
    """The problems of one file: a script has `script:` at its top, plans and scenarios have `plans:`."""
    try:
        keys = root.value if isinstance(root.value, dict) else {}
        if "plans" in keys:
            yield from map(str, unknown_scripts(read_plans(root, CURRENCY), scripts))
        elif "script" in keys:
            script = parse_script(path.read_text(encoding="utf-8"), str(path))
            yield from map(str, check_scripts({script.name: script}, {}))
        else:
            yield str(root.wrong("neither a script (script: NAME) nor plans (plans: [...])"))
    except (DocumentError, ScriptError) as error:
        yield str(error)
