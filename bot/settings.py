"""Settings: environment variables AMIABLE_* and a .env file, read once. Unknown names are refused."""

from __future__ import annotations

import os
import re
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from bot.paypoints import read_pay_points
from engine.calendar import SendWindow, UnknownZone, zone
from engine.contact import ChannelKind

PREFIX = "AMIABLE_"
DRIVER = "postgresql+psycopg"
POSTGRES = ("postgres", "postgresql", DRIVER)
BOT_TOKEN = re.compile(r"\d+:[\w-]+", re.ASCII)
SHORTEST_TOKEN = 32
HEADER_SECRET = re.compile(r"[\w-]{1,256}", re.ASCII)


class BadSettings(ValueError):
    """A setting is wrong, missing or unknown; the message names it and what it should be."""


class StoreSettings(BaseSettings):
    """What commands on the case store need: where it is, when the engine decides and when it may start contacts.

    `database_url` empty means the embedded PostgreSQL below `data_dir`; it names the driver, however it was written.
    `decide_at` is on the wall clock of `timezone`, the deployment's own; the hours to send are the client's.
    `lei` is the currency meant where somebody writes lei; `examples` is the folder of the deployment's own replies.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", frozen=True, extra="ignore")

    database_url: str = ""
    data_dir: Path = Path(".amiable")
    timezone: str = "Europe/Bucharest"
    lei: Literal["RON", "MDL"] = "RON"
    examples: Path | None = None
    decide_at: time = time(8, 0)
    send_from: time = time(9, 0)
    send_until: time = Field(default=time(20, 0), validate_default=True)

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: str) -> str:
        if not value:
            return value
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            url = None
        if url is None or url.drivername not in POSTGRES:
            raise ValueError("write the address of a PostgreSQL as postgresql://USER:PASSWORD@HOST:PORT/NAME")
        return url.set(drivername=DRIVER).render_as_string(hide_password=False)

    @field_validator("examples", mode="before")
    @classmethod
    def _folder(cls, value: str) -> Path | None:
        if value and not Path(value).is_dir():
            raise ValueError(f"there is no folder {value}; make it, or leave the setting empty")
        return Path(value) if value else None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zone(value)
        except UnknownZone as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("send_from", "send_until")
    @classmethod
    def _wall_clock(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("write the time without a zone: it is the client's own")
        return value

    @field_validator("send_until")
    @classmethod
    def _later(cls, value: time, info: ValidationInfo) -> time:
        begin: time | None = info.data.get("send_from")
        if begin is not None and begin >= value:
            raise ValueError(f"must be later than {PREFIX}SEND_FROM, and {value:%H:%M} is not later than {begin:%H:%M}")
        return value

    @property
    def hours(self) -> SendWindow:
        """The hours in which a contact may start."""
        return SendWindow(self.send_from, self.send_until)


Given = Annotated[str, Field(min_length=1)]
GivenSecret = Annotated[SecretStr, Field(min_length=1)]
"""What has no default: an empty line in .env is as good as none."""


class Settings(StoreSettings):
    """One deployment: the store, and the carriers it talks through."""

    model_config = SettingsConfigDict(extra="forbid")

    listen: str = "127.0.0.1:8080"
    public_url: str = "http://127.0.0.1:8080"
    languages: tuple[str, ...] = ("en", "ro", "uk", "ru")
    creditor: str = "Acme Telecom"
    hotline: str = ""
    operator_hours: str = "9:00–18:00"
    quarantine_seconds: float = Field(default=60.0, gt=0)
    lookup_gap_seconds: float = Field(default=300.0, gt=0)
    send_in_flight: int = Field(default=100, gt=0)
    sms_per_second: float = Field(default=0.0, ge=0)
    voice_per_second: float = Field(default=1.0, ge=0)
    email_per_second: float = Field(default=0.0, ge=0)
    telegram_per_second: float = Field(default=25.0, ge=0)
    pay_points: Path | None = None
    sms_plain: frozenset[Literal["ro", "uk", "ru"]] = frozenset()

    twilio_api_url: str = "https://api.twilio.com"
    twilio_account_sid: Given
    twilio_auth_token: GivenSecret
    twilio_number: Given
    voice_number: str = ""
    voice_api_url: str = ""
    operator_number: str = ""
    voices: dict[str, str] = {}
    smtp_url: Given
    smtp_log: Path | None = None
    mail_domain: Given
    mail_listen: str = "127.0.0.1:8025"
    api_token: SecretStr = SecretStr("")
    payments_url: Given
    payments_key: GivenSecret
    payments_webhook_secret: GivenSecret
    telegram_api_url: str = "https://api.telegram.org"
    telegram_token: SecretStr = SecretStr("")
    telegram_bot_name: str = ""
    telegram_polling: bool = False
    telegram_webhook_secret: SecretStr = Field(default=SecretStr(""), validate_default=True)

    @field_validator("smtp_log", mode="before")
    @classmethod
    def _log(cls, value: str | Path | None) -> Path | None:
        return Path(value) if value else None

    @field_validator("pay_points", mode="before")
    @classmethod
    def _places(cls, value: str | Path | None) -> Path | None:
        if not value:
            return None
        read_pay_points(Path(value))  # its DocumentError is a ValueError that names the line
        return Path(value)

    def per_second(self, channel: ChannelKind) -> float:
        """How many sends a second a channel's carrier is offered; 0 is as fast as it takes them."""
        match channel:
            case ChannelKind.SMS:
                return self.sms_per_second
            case ChannelKind.VOICE:
                return self.voice_per_second
            case ChannelKind.EMAIL:
                return self.email_per_second
            case ChannelKind.TELEGRAM:
                return self.telegram_per_second

    @field_validator("telegram_token")
    @classmethod
    def _bot_token(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not BOT_TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("write the token as BotFather gave it, such as 123456:AbC-dEf")
        return value

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _webhook_proof(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        token: SecretStr = info.data.get("telegram_token", SecretStr(""))
        posted = bool(token.get_secret_value()) and not info.data.get("telegram_polling")
        if posted and not HEADER_SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("set 1 to 256 letters, digits, _ or - for Telegram's webhook, or AMIABLE_TELEGRAM_POLLING")
        return value

    @field_validator("api_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if secret and (
            len(secret) < SHORTEST_TOKEN or not secret.isascii() or not secret.isprintable() or " " in secret
        ):
            raise ValueError(f"write at least {SHORTEST_TOKEN} plain characters, such as `openssl rand -hex 32` prints")
        return value

    @field_validator("public_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("write the public address with http:// or https://")
        return value.rstrip("/")


def address(text: str) -> tuple[str, int]:
    """The host and port of HOST:PORT. Raises BadSettings."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise BadSettings(f"'{text}' is not an address; write it as 127.0.0.1:8080")
    return host, int(port)


Wanted = TypeVar("Wanted", bound=StoreSettings)


def load_settings(kind: type[Wanted]) -> Wanted:
    """The settings of this process. Raises BadSettings naming every setting at fault."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    given = {name.upper() for name in (*os.environ, *DotEnvSettingsSource(kind).env_vars)}
    unknown = sorted(name for name in given if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise BadSettings(f"unknown settings: {', '.join(unknown)}; the known ones are in .env.example")
    try:
        return kind()
    except ValidationError as error:
        faults = "; ".join(_fault(fault["loc"], fault["msg"]) for fault in error.errors())
        raise BadSettings(faults) from error


def _fault(place: tuple[int | str, ...], message: str) -> str:
    name = str(place[0]) if place else ""
    return f"{PREFIX}{name.upper().removeprefix(PREFIX)}: {message.removeprefix('Value error, ')}"
