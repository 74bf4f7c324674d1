"""How the console writes values: money, moments, days, words. In English, in the deployment's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from markupsafe import Markup, escape

from engine.contact import ChannelKind
from engine.money import Money

NO_BREAK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def shown_money(amount: Money) -> Markup:
    """A sum with its currency, which it never breaks from."""
    return Markup('<span class="money">{}{}{}</span>').format(shown_sum(amount), NO_BREAK, amount.currency)


def shown_sum(amount: Money) -> str:
    """A sum alone, for a row that names the currency."""
    return f"{MINUS if amount.minor < 0 else ''}{abs(amount.major):,}"


def shown_day(day: date, today: date) -> str:
    """A day in short, its year where that is not this one."""
    return f"{day.day} {day:%b}" if day.year == today.year else f"{day.day} {day:%b} {day.year}"


def words(name: str) -> str:
    """A name of the code in words: final_notice is final notice."""
    return name.replace("_", " ")


def language_name(code: str) -> str:
    """The language in English."""
    return Locale.parse(code, sep="-").get_display_name("en") or code


@dataclass(frozen=True, slots=True)
class Times:
    """Moments as they are read at `now` in `zone`."""

    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The day it is here."""
        return self.now.astimezone(self.zone).date()

    def day(self, value: date | datetime) -> str:
        """A day in short."""
        return shown_day(value.astimezone(self.zone).date() if isinstance(value, datetime) else value, self.today)

    def clock(self, at: datetime) -> str:
        """The time of day."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def full(self, at: datetime) -> str:
        """The full moment."""
        local = at.astimezone(self.zone)
        return f"{local:%A} {local.day} {local:%B %Y, %H:%M} {local:%Z}"

    def ago(self, at: datetime) -> Markup:
        """How long ago or how far ahead, with the full moment on hover."""
        text = self._apart(at)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), self.full(at), text)

    def at(self, at: datetime) -> Markup:
        """The time of day, with the full moment on hover."""
        return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), self.full(at), self.clock(at))

    def heading(self, day: date) -> str:
        """A day as a heading of a timeline."""
        apart = (self.today - day).days
        if apart in (0, 1):
            return "Today" if apart == 0 else "Yesterday"
        return f"{day:%A}, {shown_day(day, self.today)}"

    def _apart(self, at: datetime) -> str:
        apart = self.now - at
        if timedelta() <= apart < timedelta(minutes=1):
            return "now"
        if timedelta() <= apart < HOUR:
            return f"{apart // timedelta(minutes=1)} min"
        days = (self.today - at.astimezone(self.zone).date()).days
        match days:
            case 0:
                return f"today {self.clock(at)}"
            case 1:
                return f"yesterday {self.clock(at)}"
            case -1:
                return f"tomorrow {self.clock(at)}"
            case _ if 1 < days < 7:
                return f"{days} days ago"
        return f"{self.day(at)}, {self.clock(at)}" if days < 0 else self.day(at)


CHANNELS = {
    ChannelKind.SMS: ("sms", "SMS"),
    ChannelKind.VOICE: ("voice", "Voice"),
    ChannelKind.EMAIL: ("email", "Email"),
    ChannelKind.TELEGRAM: ("telegram", "Telegram"),
}


def channel_word(channel: str) -> str:
    """The channel's name as people say it."""
    return CHANNELS[ChannelKind(channel)][1]


def speech_preview(text: str | None, most: int = 90) -> str:
    """The beginning of what was said, on one line."""
    line = " ".join((text or "").split())
    return escape(line if len(line) <= most else line[: most - 1].rstrip() + "…")
