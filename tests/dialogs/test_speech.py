"""What a speech holds for one channel and not for another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialogs.catalog import load_catalogs
from dialogs.message import Message, Option, Speech
from dialogs.render import FOOTER, HOW, PREVIEW, render
from dialogs.script import load_scripts
from dialogs.specimen import SPECIMEN
from engine.contact import ChannelKind

SCRIPT = load_scripts()["inbound"]
DUE = Message("common.balance.due")
ASKED = replace(DUE, options=(Option("pay_now", "common.menu.pay_now"),))


def said(message: Message, channel: ChannelKind | None, language: str = "en") -> Speech:
    return render([message], SCRIPT, SPECIMEN, language, load_catalogs(), channel)


def test_a_mail_says_what_it_is_about_how_to_answer_and_who_writes() -> None:
    mail = said(ASKED, ChannelKind.EMAIL)
    assert mail.preview
    assert "reply" in mail.how
    assert SPECIMEN.creditor in mail.footer
    assert said(DUE, ChannelKind.EMAIL).how == "", "there is nothing to choose from"


@pytest.mark.parametrize("channel", [None, *(kind for kind in ChannelKind if kind != ChannelKind.EMAIL)])
def test_no_other_channel_has_the_words_of_a_mail(channel: ChannelKind | None) -> None:
    other = said(ASKED, channel)
    assert (other.preview, other.how, other.footer) == ("", "", "")


def test_a_script_from_before_mails_had_them_has_none() -> None:
    older = replace(
        SCRIPT, texts={key: text for key, text in SCRIPT.texts.items() if key not in (PREVIEW, HOW, FOOTER)}
    )
    mail = render([ASKED], older, SPECIMEN, "en", load_catalogs(), ChannelKind.EMAIL)
    assert (mail.preview, mail.how, mail.footer) == ("", "", "")
    assert mail.paragraphs


@pytest.mark.parametrize("language", load_catalogs())
def test_the_first_sum_is_known_as_it_is_written_and_never_spoken(language: str) -> None:
    mail = said(DUE, ChannelKind.EMAIL, language)
    assert mail.sum
    assert mail.sum in mail.paragraphs[0]
    assert said(DUE, ChannelKind.VOICE, language).sum == ""


def test_accounts_and_places_are_said_for_the_ear() -> None:
    accounts = said(Message("common.phrases.accounts"), ChannelKind.VOICE).paragraphs[0]
    assert "3 8 0 1, 2 2 0 7, internet, 1240 Ukrainian hryvnias 50 kopiykas" in accounts
    assert "3801-2207 (internet): 1,240.50" in said(Message("common.phrases.accounts"), ChannelKind.SMS).paragraphs[0]
