"""`amiable doctor`: is everything there that a deployment needs, and what to do where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import typer
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.loop import run
from bot.paypoints import read_pay_points
from bot.settings import BadSettings, Settings, StoreSettings, address, load_settings
from bot.store import NoDatabase, case_store
from dialogs.catalog import CatalogError, load_catalogs
from dialogs.check import check
from dialogs.script import ScriptError, load_scripts
from engine.store.binaries import ClusterFailed
from engine.store.session import Database

OLDEST = 150000
PORTS = {"https": 443, "http": 80, "smtp": 25, "smtps": 465}
PATIENCE = 5.0
NOT_TRUE, NOT_THERE = 1, 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `remedy` is empty where it is in order; `needed` says whether it is a dependency."""

    what: str
    found: str
    remedy: str = ""
    needed: bool = False


def doctor() -> None:
    """Check configuration, database, carriers, scripts and catalogs, and say what to do about each fault."""
    findings = list(_findings())
    for finding in findings:
        typer.echo(f"{'ok   ' if not finding.remedy else 'FAULT'} {finding.what}: {finding.found}")
        if finding.remedy:
            typer.echo(f"      {finding.remedy}")
    faults = [finding for finding in findings if finding.remedy]
    if faults:
        raise typer.Exit(NOT_THERE if any(fault.needed for fault in faults) else NOT_TRUE)


def _findings() -> Iterator[Finding]:
    yield _words()
    settings: Settings | None = None
    try:
        loaded = load_settings(Settings)
        address(loaded.listen)
        address(loaded.mail_listen)
        settings = loaded
        yield Finding("settings", "complete")
    except BadSettings as error:
        yield Finding("settings", str(error), "Set them in the environment or in .env; .env.example names each one.")
    if settings is not None and settings.pay_points:
        places = read_pay_points(settings.pay_points)
        yield Finding("pay points", f"{sum(map(len, places.values()))} in {', '.join(sorted(places))}")
    yield from _database(settings)
    if settings is not None:
        yield from run(_carriers(settings))


def _words() -> Finding:
    try:
        problems = check(load_scripts(), load_catalogs())
    except (ScriptError, CatalogError) as error:
        return Finding("scripts and catalogs", str(error), "Mend the place it names.")
    if problems:
        return Finding("scripts and catalogs", f"{len(problems)} problems", "`amiable check` names each of them.")
    return Finding("scripts and catalogs", f"{len(load_scripts())} scripts in {', '.join(sorted(load_catalogs()))}")


def _database(settings: Settings | None) -> Iterator[Finding]:
    try:
        store = settings or load_settings(StoreSettings)
    except BadSettings:
        return  # told under the settings: where the database would be is not known
    try:
        with case_store(store) as url:
            yield from run(_store(url))
    except (ClusterFailed, NoDatabase) as error:
        yield Finding(
            "database", str(error), "Start it, or unset AMIABLE_DATABASE_URL for the embedded one.", needed=True
        )


async def _store(url: str) -> list[Finding]:
    database = Database(url)
    try:
        async with database.read() as session:
            number = int(await session.scalar(text("select current_setting('server_version_num')::int")) or 0)
            plans = int(await session.scalar(text("select count(*) from plans where in_force")) or 0)
    except SQLAlchemyError as error:
        return [Finding("database", str(error), "Check AMIABLE_DATABASE_URL.", needed=True)]
    finally:
        await database.close()
    version = f"PostgreSQL {number // 10000}, all migrations applied"
    remedy = "" if number >= OLDEST else "Use PostgreSQL 15 or newer."
    publish = "Put plans in force: amiable import plans FILE (engine/sample/plans.yaml is an example)."
    return [
        Finding("database", version, remedy, needed=True),
        Finding("plans", f"{plans} in force", "" if plans else publish),
    ]


async def _carriers(settings: Settings) -> list[Finding]:
    urls = {"Twilio": settings.twilio_api_url, "mail relay": settings.smtp_url, "payments": settings.payments_url}
    if settings.telegram_token.get_secret_value():
        urls["Telegram"] = settings.telegram_api_url
    reached = await asyncio.gather(*(_reach(name, url) for name, url in urls.items()))
    listen = address(settings.mail_listen)
    return [*reached, Finding("mail listener", f"will listen at {listen[0]}:{listen[1]}")]


async def _reach(name: str, url: str) -> Finding:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 443)
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError, ValueError) as error:
        reason = f"{url} does not answer ({error or type(error).__name__})"
        return Finding(name, reason, "Check the address, the network and the firewall.", needed=True)
    return Finding(name, f"{url} answers")
