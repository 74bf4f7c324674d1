"""`amiable user`: who may sign in to the console."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.clock import real_clock
from bot.console.passwords import WeakPassword, hashed
from bot.console.users import LoginTaken, NoSuchUser, add_user, disable_user, find_user, list_users, reset_user
from bot.loop import run
from bot.settings import StoreSettings, load_settings
from bot.store import case_store
from engine.store.session import Database

user = typer.Typer(help="Users of the console.", no_args_is_help=True)

Login = Annotated[str, typer.Argument(help="The name they sign in with.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking twice.")
]


@user.command("add")
def add(
    login: Login, name: Annotated[str, typer.Option(help="The name shown.")] = "", password_stdin: PasswordStdin = False
) -> None:
    """Add a user. The password is asked for, and is never an argument: arguments can be seen by others."""
    stored = _password(from_stdin=password_stdin)

    async def work(database: Database) -> None:
        async with database.write() as session:
            await add_user(session, login, name, stored, real_clock())

    _with_store(work)
    typer.echo(f"{login.strip().lower()} can sign in now")


@user.command("list")
def show() -> None:
    """List everybody."""
    table = Table("login", "name", "since", "state")

    async def work(database: Database) -> None:
        async with database.read() as session:
            for one in await list_users(session):
                state = f"disabled {one.disabled_at:%Y-%m-%d}" if one.disabled_at else "active"
                table.add_row(one.login, one.name, f"{one.created_at:%Y-%m-%d}", state)

    _with_store(work)
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("nobody yet: amiable user add LOGIN")


@user.command("disable")
def disable(login: Login) -> None:
    """Let somebody in no longer: their sessions end at once. What they wrote stays."""

    async def work(database: Database) -> None:
        async with database.write() as session:
            await disable_user(session, login, real_clock())

    _with_store(work)
    typer.echo(f"{login.strip().lower()} is signed out and cannot sign in")


@user.command("reset")
def reset(login: Login, password_stdin: PasswordStdin = False) -> None:
    """Set a new password and end all sessions; a disabled user is let in again."""

    async def known(database: Database) -> None:
        async with database.read() as session:
            await find_user(session, login)

    async def work(database: Database) -> None:
        async with database.write() as session:
            await reset_user(session, login, stored)

    _with_store(known)
    stored = _password(from_stdin=password_stdin)
    _with_store(work)
    typer.echo(f"{login.strip().lower()} has a new password")


def _password(*, from_stdin: bool) -> str:
    password = sys.stdin.readline().rstrip("\r\n") if from_stdin else _asked()
    try:
        return hashed(password)
    except WeakPassword as error:
        raise typer.BadParameter(str(error)) from error


def _asked() -> str:
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _with_store(work: Callable[[Database], Awaitable[None]]) -> None:
    with case_store(load_settings(StoreSettings)) as url:
        try:
            run(_run(url, work))
        except (LoginTaken, NoSuchUser) as error:
            raise typer.BadParameter(str(error)) from error


async def _run(url: str, work: Callable[[Database], Awaitable[None]]) -> None:
    database = Database(url)
    try:
        await work(database)
    finally:
        await database.close()
