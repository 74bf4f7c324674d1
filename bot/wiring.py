"""Builds the running application from settings: the only file that names concrete carriers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.application import Application, Pace
from bot.clock import Clock
from bot.pay.desk import PayDesk
from bot.pay.provider import PaymentProvider
from bot.paypoints import read_pay_points
from bot.polling import Reception
from bot.settings import Settings
from channels.email import EmailChannel, EmailSettings
from channels.port import Channel
from channels.signatures import TwilioVerifier
from channels.sms import SmsChannel, SmsSettings
from channels.twiml import VOICES, Manner
from channels.voice import VoiceChannel, VoiceSettings
from dialogs.catalog import load_catalogs
from dialogs.script import load_scripts
from engine.calendar import Hours
from engine.contact import ChannelKind
from engine.store.session import Database


@dataclass(frozen=True, slots=True)
class Wired:
    """Everything one process needs: the application, and what its web part verifies and pays with."""

    app: Application
    verifier: TwilioVerifier
    desk: PayDesk
    provider: PaymentProvider
    reception: Reception | None = None
    api_token: str = ""

    async def close(self) -> None:
        """Let go of every connection."""
        for channel in self.app.channels.values():
            await channel.close()
        await self.provider.close()
        await self.app.database.close()


def wire(settings: Settings, database_url: str, clock: Clock, hours: Hours) -> Wired:
    """The application of these settings on a migrated database."""
    mail = EmailSettings(
        settings.smtp_url,
        settings.mail_domain,
        settings.creditor,
        log=settings.smtp_log,
        public_url=settings.public_url,
    )
    provider = PaymentProvider(
        settings.payments_url,
        settings.payments_key.get_secret_value(),
        settings.payments_webhook_secret.get_secret_value(),
    )
    reception = _reception(settings)
    voice = _voice(settings)
    channels: list[Channel] = [_sms(settings), EmailChannel(mail, clock)]
    channels += [voice] if voice else []
    channels += [reception.channel] if reception else []
    database = Database(database_url)
    app = Application(
        database=database,
        clock=clock,
        hours=hours,
        scripts=load_scripts(),
        catalogs=load_catalogs(),
        channels={channel.kind: channel for channel in channels},
        languages=settings.languages,
        creditor=settings.creditor,
        operator_hours=settings.operator_hours,
        public_url=settings.public_url,
        quarantine_seconds=settings.quarantine_seconds,
        lookup_gap_seconds=settings.lookup_gap_seconds,
        paces=_paces(settings, {ChannelKind.EMAIL: mail.connections}),
        timezone=settings.timezone,
        decide_at=settings.decide_at,
        manner=Manner(settings.operator_number, voices={**VOICES, **settings.voices}),
        callback=settings.hotline or settings.voice_number,
        examples=settings.examples,
        pay_points=read_pay_points(settings.pay_points) if settings.pay_points else {},
    )
    desk = PayDesk(database, clock, provider, settings.public_url, settings.creditor, settings.hotline)
    verifier = TwilioVerifier(settings.public_url, [settings.twilio_auth_token.get_secret_value()])
    return Wired(app, verifier, desk, provider, reception, settings.api_token.get_secret_value())


def _paces(settings: Settings, connections: Mapping[ChannelKind, int]) -> Mapping[ChannelKind, Pace]:
    """No more is under way than there are connections for: what waits, waits in the queue."""
    most = settings.send_in_flight
    return {kind: Pace(min(most, connections.get(kind, most)), settings.per_second(kind)) for kind in ChannelKind}


def _sms(settings: Settings) -> SmsChannel:
    return SmsChannel(
        SmsSettings(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token.get_secret_value(),
            sender=settings.twilio_number,
            public_url=settings.public_url,
            api_url=settings.twilio_api_url,
            plain=frozenset(settings.sms_plain),
        )
    )


def _voice(settings: Settings) -> VoiceChannel | None:
    """The telephone, switched on by the number it calls from."""
    if not settings.voice_number:
        return None
    return VoiceChannel(
        VoiceSettings(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token.get_secret_value(),
            number=settings.voice_number,
            public_url=settings.public_url,
            api_url=settings.voice_api_url or settings.twilio_api_url,
        )
    )


def _reception(settings: Settings) -> Reception | None:
    """The Telegram bot, switched on by its token."""
    token = settings.telegram_token.get_secret_value()
    if not token:
        return None
    from channels.telegram import TelegramChannel, TelegramSettings  # noqa: PLC0415 its SDK takes seconds to load

    secret = "" if settings.telegram_polling else settings.telegram_webhook_secret.get_secret_value()
    return Reception(TelegramChannel(TelegramSettings(token, settings.telegram_api_url)), secret)
