"""Showing the demo: the time-lapse with its progress, the summary, and then the running application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from threading import Thread

from rich import box
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from sqlalchemy import text

from bot.clock import real_clock
from bot.console.users import LoginTaken, add_user, one_time_link
from bot.demo.services import answering, service_system
from bot.demo.stage import SEED, Progress, Stage, begin, load_portfolio, on_stage, simulated, subscribers
from bot.demo.summary import Summary, summarize
from bot.demo.timelapse import Timelapse
from bot.loop import run
from bot.port import bind
from bot.running import until_stopped
from bot.sandbox import Sandbox
from bot.settings import StoreSettings
from bot.store import case_store, drop_demo_store
from engine.store.session import Database

SECONDS_A_DAY = 86400
VISITOR = "visitor"
GOOD_START = text("""
select c.ref from clients c join cases k on k.client_id = c.id and k.closed_at is null
join addresses a on a.client_id = c.id and a.dead_since is null and a.opted_out_at is null
where c.language = 'en' and not exists (select from conversations t where t.client_id = c.id and t.owner <> 'bot')
group by c.id, c.ref
order by count(distinct a.channel) desc, exists (
  select from conversations t join messages m on m.conversation_id = t.id
  where t.client_id = c.id and m.author = 'client'
) desc, c.ref limit 1
""")


def show_demo(data: Path, clients: int, *, once: bool, port: int, fresh: bool) -> None:
    """Play what is left of the demo in `data` and print its summary; unless `once`, serve. Raises PortTaken."""
    if not once:
        bind("127.0.0.1", port).close()
    console = Console()
    settings = StoreSettings(database_url="", data_dir=data / "demo-store")
    stage = Stage(data)
    if fresh:
        drop_demo_store(settings)
        stage.clear()
    telegram = Thread(target=import_module, args=("channels.telegram",))
    telegram.start()  # its SDK takes seconds to load, and so does a store to be made: they go together
    with case_store(settings, console.print, durable=False) as url:
        telegram.join()
        run(_demo(console, url, stage, clients, once=once, port=port))


async def _demo(console: Console, url: str, stage: Stage, clients: int, *, once: bool, port: int) -> None:
    progress = stage.progress() or begin(real_clock().date(), clients)
    if not progress.over:
        progress = await _play(console, url, stage, progress)
    database = Database(url)
    summary = await summarize(database)
    await database.close()
    _show(console, summary, progress)
    if not once:
        async with on_stage(url, real_clock, stage, port, phones=True) as running:
            await _welcome(console, running)
            async with service_system(running, SEED) as services, answering(services):
                await until_stopped(running.wired.app)


async def _welcome(console: Console, running: Sandbox) -> None:
    """Where the application is, how to sign in, and three things to try."""
    address = running.settings.public_url
    async with running.wired.app.database.write() as session:
        with suppress(LoginTaken):
            await add_user(session, VISITOR, "Visitor", None, real_clock())
        sign_in = await one_time_link(session, VISITOR, address, real_clock())
        client = await session.scalar(GOOD_START)
    console.print(f"\nAmiable is running at {address} (Ctrl+C stops it).", soft_wrap=True)
    console.print(f"Sign in, once, by this link: {sign_in}", soft_wrap=True)
    console.print("Three things to try:", soft_wrap=True)
    console.print(f"  1. Read a client's debts and talk: {address}/console/clients/{client}", soft_wrap=True)
    console.print(f"  2. Hold that client's phones and answer: {address}/console/phones/{client}", soft_wrap=True)
    console.print(f"  3. Take over a talk that waits for a person: {address}/console/inbox/waiting", soft_wrap=True)


async def _play(console: Console, url: str, stage: Stage, progress: Progress) -> Progress:
    clock = simulated(progress)
    stage.keep(progress)
    async with on_stage(url, clock, stage, port=0) as running:
        if not progress.loaded:
            console.print(f"Importing a sample portfolio of {progress.clients} subscribers ...")
            await load_portfolio(running.wired.app.database, progress)
            progress = replace(progress, loaded=True)
            stage.keep(progress)
        people, zones = await subscribers(running, stage)
        with _shown(console, progress) as show:

            def reached(now: datetime) -> None:
                stage.keep(replace(progress, now=now))
                show(now)

            async with service_system(running, SEED) as services:
                await Timelapse(running, clock, people, services, zones, reached).play(progress.ends_at)
        await people.close()
    progress = replace(progress, now=clock())
    stage.keep(progress)
    return progress


@contextmanager
def _shown(console: Console, progress: Progress) -> Iterator[Callable[[datetime], None]]:
    """A progress bar on a terminal, a line a week elsewhere."""
    start = progress.now
    total = (progress.ends_at - start).total_seconds() / SECONDS_A_DAY
    if not console.is_terminal:
        told: set[int] = set()

        def line(now: datetime) -> None:
            week = (now.date() - progress.first_day).days // 7
            if week not in told:
                told.add(week)
                console.print(f"week {week + 1}: {now:%d %B %Y}")

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("six weeks of collection", total=total)
        yield lambda now: bar.update(
            task, completed=(now - start).total_seconds() / SECONDS_A_DAY, description=f"{now:%a %d %B}"
        )


def _show(console: Console, summary: Summary, progress: Progress) -> None:
    title = f"{progress.first_day:%d %B} to {progress.ends_at:%d %B %Y}, {progress.clients} subscribers"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("channel", no_wrap=True)
    for name in summary.columns:
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    for channel in summary.channels:
        table.add_row(channel, *(str(counts.get(channel, 0)) for counts in summary.columns.values()))
    table.add_section()
    table.add_row("all", *(str(summary.total(name)) for name in summary.columns))
    console.print(table)
    console.print(", ".join(f"{name}: {count}" for name, count in summary.left.items()))
