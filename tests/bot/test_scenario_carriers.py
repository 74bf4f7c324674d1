"""What a scenario says of a carrier happens to the next send, and the product draws the right conclusion from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.simulate.play import play
from bot.simulate.scenario import load_scenario
from engine.document import DocumentError

HEAD = """
scenario: carriers
start: 2026-03-01
end: 2026-03-04
timezone: Europe/Bucharest
currency: RON
groups: [people]
plans:"""
PLAN = """
  - plan: {channel}
    group: people
    start: {{after_days: 0, min_debt: 10}}
    stages:
      - stage: reminder
        actions: [{{send: reminder, by: [{channel}, {other}]}}]
      - stage: warning
        after_days: 2
        actions: [{{send: warning, by: [{channel}]}}]"""
CLIENT = """
  - {{client: {name}, group: people, plan: {channel}, language: en, sms: "+4071000{no:04}", voice: "+4072000{no:04}",
     email: {name}@example.com, telegram: 55{no:04},
     accounts: [{{account: A{no:04}, service: net, invoices: [
       {{invoice: I{no}, issued: 2026-02-01, due: 2026-03-02, amount: 50}}]}}]}}"""
OTHERS = {"sms": "email", "email": "sms", "telegram": "sms", "voice": "sms"}


@dataclass(frozen=True)
class Case:
    """The fate of a first send: whether it falls to the next channel, and whether the address is used again."""

    channel: str
    result: str
    error: str = ""
    falls: bool = True
    again: bool = True

    @property
    def name(self) -> str:
        return "_".join([self.channel, self.result, self.error]).replace(".", "_").replace("-", "").strip("_")

    @property
    def event(self) -> str:
        error = f', error: "{self.error}"' if self.error else ""
        carrier = f"carrier: {{channel: {self.channel}, result: {self.result}{error}}}"
        return f"\n  - {{at: 2026-03-02T07:00, client: {self.name}, {carrier}}}"

    @property
    def expected(self) -> str:
        first, then, whose = "on: 2026-03-02", "on: 2026-03-04", f"client: {self.name}"
        lines = [f"{first}, {whose}, sent: {self.channel}, script: reminder"]
        if self.falls:
            lines += [f"{first}, {whose}, sent: {OTHERS[self.channel]}, script: reminder"]
            lines += [f'{first}, {whose}, received: "50", by: {OTHERS[self.channel]}']
        else:
            lines += [f'{first}, {whose}, received: "50", by: {self.channel}']
        lines += [f"{then}, {whose}, stage: warning"]
        lines += [f"{then}, {whose}, sent: {self.channel if self.again else 'nothing'}"]
        return "".join(f"\n  - {{{line}}}" for line in lines)


CASES = (
    *(Case(channel, "delivered", falls=False) for channel in OTHERS),
    *(Case(channel, result) for channel in OTHERS for result in ("undelivered", "failed")),
    *(Case(channel, "undelivered", error, again=False) for channel in OTHERS for error in ("30004", "30005", "30006")),
    *(Case("sms", "undelivered", error) for error in ("30003", "30008", "30036", "21614")),
    Case("sms", "failed", "30007"),
    Case("email", "failed", "550"),
    Case("email", "undelivered", "5.2.2"),
    Case("email", "failed", "5.1.1", again=False),
    Case("telegram", "failed", "400"),
    Case("telegram", "failed", "403", again=False),
    *(Case("voice", result) for result in ("busy", "no-answer", "machine")),
    Case("voice", "undelivered", "machine"),
    Case("voice", "failed", "486"),
    Case("voice", "failed", "404", again=False),
)


def scenario(file: Path, cases: tuple[Case, ...]) -> Path:
    parts = [HEAD, *(PLAN.format(channel=channel, other=other) for channel, other in OTHERS.items()), "\nclients:"]
    parts += [CLIENT.format(name=case.name, channel=case.channel, no=no) for no, case in enumerate(cases, 1)]
    parts += ["\nevents:", *(case.event for case in cases), "\nexpect:", *(case.expected for case in cases)]
    file.write_text("".join(parts).strip() + "\n")
    return file


async def test_each_carrier_fails_in_its_own_words_and_only_nobody_there_is_for_good(
    tmp_path: Path, database_url: str
) -> None:
    played = await play(load_scenario(scenario(tmp_path / "carriers.yaml", CASES)), database_url)
    assert played.failures == []


async def test_a_text_that_was_not_delivered_was_not_received(tmp_path: Path, database_url: str) -> None:
    cases = tuple(case for case in CASES if case.falls and not case.error)
    file = scenario(tmp_path / "carriers.yaml", cases)
    wrongly = "".join(
        f'\n  - {{on: 2026-03-02, client: {case.name}, received: "50", by: {case.channel}}}' for case in cases
    )
    file.write_text(file.read_text() + wrongly)
    played = await play(load_scenario(file), database_url)
    assert len(played.failures) == len(cases)
    assert all("received" in failure for failure in played.failures)


async def test_two_fates_are_of_the_next_two_sends(tmp_path: Path, database_url: str) -> None:
    case = Case("sms", "failed")
    file = scenario(tmp_path / "carriers.yaml", (case,))
    text = file.read_text().replace(case.event, case.event * 2)
    file.write_text(text + f"\n  - {{on: 2026-03-04, client: {case.name}, received: balance, by: sms}}\n")
    played = await play(load_scenario(file), database_url)
    assert len(played.failures) == 1
    assert "received nothing" in played.failures[0]


@pytest.mark.parametrize(
    ("carrier", "told"),
    [
        ("channel: fax, result: failed", "'fax' is not one of"),
        ("channel: sms, result: lost", "'lost' is not one of: delivered, undelivered, failed"),
        ("channel: sms", "'result' is missing"),
        ("channel: sms, result: busy", "'busy' is of calls; by sms: delivered, undelivered or failed"),
        ("channel: sms, result: delivered, error: '30003'", "what is delivered has no error"),
        (
            "channel: sms, result: failed, error: full",
            "'full' is no error of sms: write one of Twilio's, such as 30005",
        ),
        ("channel: telegram, result: failed, error: '429'", "is no error of telegram: write 400, or 403"),
        ("channel: email, result: failed, error: bounced", "such as 550 or 5.2.2"),
        ("channel: voice, result: failed, error: asleep", "such as 486"),
        ("channel: sms, result: failed, code: '1'", "unknown key 'code'"),
    ],
)
def test_a_fate_that_no_carrier_has_is_refused_with_its_line(carrier: str, told: str, tmp_path: Path) -> None:
    case = Case("sms", "failed")
    file = scenario(tmp_path / "carriers.yaml", (case,))
    wrong = f"\n  - {{at: 2026-03-02T07:00, client: {case.name}, carrier: {{{carrier}}}}}"
    file.write_text(file.read_text().replace(case.event, wrong))
    with pytest.raises(DocumentError) as refused:
        load_scenario(file)
    assert told in str(refused.value)
    assert refused.value.line == file.read_text().splitlines().index("events:") + 2


def test_a_fate_needs_an_address_to_send_to(tmp_path: Path) -> None:
    case = Case("telegram", "failed")
    file = scenario(tmp_path / "carriers.yaml", (case,))
    file.write_text(file.read_text().replace("telegram: 550001,", ""))
    with pytest.raises(DocumentError, match="telegram_failed has no telegram address to send to"):
        load_scenario(file)
