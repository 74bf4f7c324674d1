"""Clients and accounts out of files: what goes in, what is refused, and what a second file changes."""

from __future__ import annotations

from asyncio import gather
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from feeding import Desk
from given import given_client, given_plans
from reached import given_talk
from sqlalchemy import select, update

from engine.intake.importing import ImportReport, take
from engine.intake.rows import AccountRow, ClientRow, Kind
from engine.intake.stage import UnknownOwner
from engine.store.session import Database
from engine.store.tables.casework import CaseEvent
from engine.store.tables.portfolio import Account, Address, Client

TWO_GROUPS = """
groups: [individuals, organisations]
plans:
  - plan: standard
    group: individuals
    standard: true
    start: {after_days: 0, min_debt: 1}
    stages: &one
      - stage: reminder
        actions: [{send: reminder, by: [sms]}]
  - {plan: gentle, group: individuals, start: {after_days: 0, min_debt: 1}, stages: *one}
  - {plan: firm, group: organisations, standard: true, start: {after_days: 0, min_debt: 1}, stages: *one}
"""
HEADER = "client,group,kind,name,language,timezone,country,plan,email,sms,voice,telegram\n"
ANA = "ana,individuals,person,Ana Pop,ro,Europe/Bucharest,RO,,ana@example.org,+40712345678,,\n"
IVAN = "ivan,individuals,,Ivan,uk,Europe/Kyiv,,gentle,,+380671234567,+380671234567,12345\n"


@pytest.fixture
async def desk(database: Database, tmp_path: Path, now: datetime) -> Desk:
    async with database.write() as session:
        await given_plans(session, TWO_GROUPS)
    return Desk(database, tmp_path, now)


async def test_clients_come_in_with_their_addresses_and_plans(desk: Desk) -> None:
    report = await desk.take(Kind.CLIENTS, HEADER + ANA + IVAN)
    assert report == ImportReport(Kind.CLIENTS, read=2, added=2, changed=0, same=0, rejected=0)
    async with desk.database.read() as session:
        ivan = (await session.scalars(select(Client).where(Client.ref == "ivan"))).one()
    assert (ivan.name, ivan.kind, ivan.plans, ivan.country) == ("Ivan", "person", ["gentle"], None)
    assert set(await desk.addresses("ana")) == {"email ana@example.org", "sms +40712345678"}


async def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA + IVAN)
    before = {address.id for address in (await desk.addresses("ana")).values()}
    assert (await desk.take(Kind.CLIENTS, HEADER + ANA + IVAN)).same == 2
    assert {address.id for address in (await desk.addresses("ana")).values()} == before


async def test_two_imports_at_once_do_not_meet(desk: Desk) -> None:
    reports = await gather(*(desk.take(Kind.CLIENTS, HEADER + ANA + IVAN) for _ in range(2)))
    assert sorted((report.added, report.same) for report in reports) == [(0, 2), (2, 0)]


async def test_a_changed_name_and_a_changed_number_are_one_changed_client_each(desk: Desk) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA + IVAN)
    report = await desk.take(
        Kind.CLIENTS, HEADER + ANA.replace("Ana Pop", "Ana Popa") + IVAN.replace("+380671234567,+", "+380671234568,+")
    )
    assert (report.added, report.changed, report.same) == (0, 2, 0)
    assert "sms +380671234568" in await desk.addresses("ivan")


async def test_a_column_that_is_missing_leaves_what_is_stored(desk: Desk) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA + IVAN)
    short = "client,group,name,language,timezone\nivan,individuals,Ivan,uk,Europe/Kyiv\n"
    assert (await desk.take(Kind.CLIENTS, short)).same == 1
    assert set(await desk.addresses("ivan")) == {"sms +380671234567", "voice +380671234567", "telegram 12345"}


async def test_an_address_no_longer_given_goes(desk: Desk) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA)
    report = await desk.take(Kind.CLIENTS, HEADER + ANA.replace("ana@example.org", ""))
    assert report.changed == 1
    assert set(await desk.addresses("ana")) == {"sms +40712345678"}


async def test_an_address_spoken_on_is_kept_out_of_use_until_it_is_given_again(desk: Desk, now: datetime) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA)
    address = (await desk.addresses("ana"))["sms +40712345678"]
    async with desk.database.write() as session:
        session.add(given_talk(address, now))
    await desk.take(Kind.CLIENTS, HEADER + ANA.replace("+40712345678", "+40712345679"))
    kept = await desk.addresses("ana")
    assert kept["sms +40712345678"].dead_since == now
    assert kept["sms +40712345679"].dead_since is None
    async with desk.database.read() as session:
        (line,) = await session.scalars(select(CaseEvent))
    told = line.kind, line.detail["what"], line.detail["means"], line.detail["address"]
    assert told == ("consent", "unusable", "feed", address.id)
    await desk.take(Kind.CLIENTS, HEADER + ANA)
    assert (await desk.addresses("ana"))["sms +40712345678"].dead_since is None
    assert "sms +40712345679" not in await desk.addresses("ana")


async def test_who_has_opted_out_stays_so_as_another_client(desk: Desk, now: datetime) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA)
    async with desk.database.write() as session:
        await session.execute(update(Address).where(Address.channel == "sms").values(opted_out_at=now))
    await desk.take(Kind.CLIENTS, HEADER + ANA.replace("ana,", "ion,", 1))
    assert (await desk.addresses("ion"))["sms +40712345678"].opted_out_at == now
    async with desk.database.read() as session:
        (line,) = await session.scalars(select(CaseEvent))
    assert (line.detail["what"], line.detail["channel"], line.detail["means"]) == ("opted_out", "sms", "feed")


async def test_an_opt_out_outlives_every_import(desk: Desk, now: datetime) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA)
    async with desk.database.write() as session:
        await session.execute(update(Address).where(Address.channel == "sms").values(opted_out_at=now))
    for row in (ANA, ANA.replace("+40712345678", ""), ANA):
        await desk.take(Kind.CLIENTS, HEADER + row)
        assert (await desk.addresses("ana"))["sms +40712345678"].opted_out_at == now


async def test_an_address_a_carrier_found_dead_is_not_revived(desk: Desk, now: datetime) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA)
    dead = now - timedelta(days=3)
    async with desk.database.write() as session:
        await session.execute(update(Address).where(Address.channel == "sms").values(dead_since=dead))
    assert (await desk.take(Kind.CLIENTS, HEADER + ANA)).same == 1
    assert (await desk.addresses("ana"))["sms +40712345678"].dead_since == dead


async def test_a_language_the_client_chose_stays(desk: Desk) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA)
    async with desk.database.write() as session:
        await session.execute(update(Client).values(language="uk", language_chosen=True))
    assert (await desk.take(Kind.CLIENTS, HEADER + ANA)).same == 1
    async with desk.database.read() as session:
        assert await session.scalar(select(Client.language)) == "uk"


@pytest.mark.parametrize(("tag", "written"), [("RO", "ro"), ("ru_md", "ru-MD"), ("zh-hant", "zh-Hant")])
async def test_a_language_is_kept_as_cldr_writes_it(desk: Desk, tag: str, written: str) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA.replace(",ro,", f",{tag},"))
    async with desk.database.read() as session:
        assert await session.scalar(select(Client.language)) == written


async def test_everything_wrong_with_a_client_is_told(desk: Desk) -> None:
    row = "bob,strangers,robot,,klingonish,Mars/Base,XX,firm,bob(at)home,0712,+40,@bob\n"
    problems = await desk.problems(Kind.CLIENTS, HEADER + row)
    columns = [problem.split(":")[0] for problem in problems]
    assert columns == [
        f"2 {column}"
        for column in (
            *("group", "kind", "name", "language", "timezone", "country"),
            *("email", "sms", "voice", "telegram"),
        )
    ]
    assert "the groups are: individuals, organisations" in problems[0]


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ("firm", "the plan 'firm' is of the group 'organisations', the client of 'individuals'"),
        ("velvet", "no plan 'velvet' is in force"),
        ("firm gentle", "no plan 'firm gentle' is in force; several plans are divided by ';', such as retail;water"),
    ],
)
async def test_a_plan_must_be_of_the_client_s_own_group(desk: Desk, plan: str, reason: str) -> None:
    assert await desk.problems(Kind.CLIENTS, HEADER + IVAN.replace("gentle", plan)) == [f"2 plan: {reason}"]


async def test_one_bad_row_keeps_the_good_ones_out(desk: Desk) -> None:
    assert len(await desk.problems(Kind.CLIENTS, HEADER + ANA + IVAN.replace("Europe/Kyiv", "Kyiv"))) == 1
    async with desk.database.read() as session:
        assert (await session.scalars(select(Client))).all() == []


async def test_a_client_twice_in_a_file_is_refused_the_second_time(desk: Desk) -> None:
    assert await desk.problems(Kind.CLIENTS, HEADER + ANA + IVAN + ANA) == ["4 client: 'ana' is already on line 2"]


async def test_with_a_file_for_rejects_the_good_rows_go_in_and_the_others_can_be_corrected(desk: Desk) -> None:
    rejects = desk.directory / "rejects.csv"
    bad = IVAN.replace("Europe/Kyiv", "Kyiv").replace("gentle", "velvet")
    report = await desk.take(Kind.CLIENTS, HEADER + ANA + bad, rejects)
    assert (report.read, report.added, report.rejected) == (2, 1, 1)
    header, row = rejects.read_text(encoding="utf-8").splitlines()
    assert header == HEADER.strip() + ",line,reason"
    assert row.startswith("ivan,individuals,,Ivan,uk,Kyiv,")
    assert ",3,timezone: " in row
    assert "plan: no plan 'velvet' is in force" in row
    corrected = rejects.read_text(encoding="utf-8").replace(",Kyiv,", ",Europe/Kyiv,").replace("velvet,,", "gentle,,")
    assert (await desk.take(Kind.CLIENTS, corrected)).added == 1


async def test_accounts_come_in_and_are_updated(desk: Desk) -> None:
    await desk.take(Kind.CLIENTS, HEADER + ANA)
    header = "account,client,provider,service,currency,status\n"
    assert (
        await desk.take(Kind.ACCOUNTS, header + "A1,ana,acme,internet,RON,\nA2,ana,acme,tv,eur,active\n")
    ).added == 2
    report = await desk.take(Kind.ACCOUNTS, header + "A1,ana,acme,internet,RON,suspended\nA2,ana,acme,tv,EUR,\n")
    assert (report.changed, report.same) == (1, 1)
    async with desk.database.read() as session:
        rows = await session.execute(select(Account.ref, Account.currency, Account.status).order_by(Account.ref))
        assert [tuple(row) for row in rows] == [("A1", "RON", "suspended"), ("A2", "EUR", "active")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("A2,nobody,acme,tv,RON", "client: there is no client 'nobody'; import the clients first"),
        ("A2,ana,acme,tv,LEI", "currency: 'LEI' is not a currency; write its three letters, such as RON"),
        ("A2,ana,,tv,RON", "provider: is empty"),
        ("A1,ivan,acme,internet,RON", "client: the account 'A1' is of the client 'ana' and cannot change hands"),
        ("A1,ana,acme,internet,EUR", "currency: the account 'A1' is in RON; open another for EUR"),
    ],
)
async def test_an_account_that_cannot_be_is_refused(desk: Desk, row: str, problem: str) -> None:
    header = "account,client,provider,service,currency\n"
    await desk.take(Kind.CLIENTS, HEADER + ANA + IVAN)
    await desk.take(Kind.ACCOUNTS, header + "A1,ana,acme,internet,RON\n")
    assert await desk.problems(Kind.ACCOUNTS, header + row) == [f"2 {problem}"]


async def test_rows_without_a_file_are_taken_too_unless_they_belong_nowhere(database: Database, now: datetime) -> None:
    row = ClientRow(client="ana", group="individuals", name="Ana", language="ro", timezone="Europe/Bucharest")
    account = AccountRow(account="A1", client="ana", provider="acme", service="tv", currency="RON")
    async with database.write() as session:
        with pytest.raises(UnknownOwner):
            await take(session, Kind.CLIENTS, [row], now)
        await given_plans(session)
        await given_client(session, "bob")
        with pytest.raises(UnknownOwner):
            await take(session, Kind.ACCOUNTS, [account], now)
        assert (await take(session, Kind.CLIENTS, [row], now)).added == 1
        assert (await take(session, Kind.ACCOUNTS, [account], now)).added == 1
