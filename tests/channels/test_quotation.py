"""Answers as the usual mail programs write them, in four languages: only the person's own words are left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.quotation import unquoted

REPLIES = {
    "gmail en": "I will pay on Friday\n\nOn Wed, 11 Mar 2026 at 10:00, Acme <billing@acme.test> wrote:\n> Hello\n",
    "gmail en in two lines": "I will pay on Friday\n\nOn Wed, 11 Mar 2026 at 10:00, Acme Billing Department\n"
    "<billing@acme.test> wrote:\n\n> Good morning\n> Ana",
    "gmail ro": "I will pay on Friday\n\nPe mie., 11 mar. 2026 la 10:00, Acme <billing@acme.test> a scris:\n\n> Bună\n",
    "thunderbird ro": "I will pay on Friday\n\nÎn 11.03.2026 10:00, Acme a scris:\n> Bună\n",
    "gmail uk": "I will pay on Friday\n\nср, 11 бер. 2026 р. о 10:00 Acme <billing@acme.test> пише:\n\n> Добрий день\n",
    "ukr.net": 'I will pay on Friday\n\n11 березня 2026, 10:00:00, від "Acme" <b@acme.test> написав(-ла):\n> Добрий',
    "thunderbird uk": "I will pay on Friday\n\n11.03.26 10:00, Acme пише:\n> Добрий день\n",
    "gmail ru": "I will pay on Friday\n\nср, 11 мар. 2026 г. в 10:00, Acme <billing@acme.test>:\n\n> Добрый день\n",
    "yandex": 'I will pay on Friday\n\n11.03.2026, 10:00, "Acme" <billing@acme.test>:\n> Добрый день\n',
    "thunderbird ru": "I will pay on Friday\n\n11.03.2026 10:00, Acme пишет:\n> Добрый день\n",
    "outlook en": "I will pay on Friday\n\nFrom: Acme <billing@acme.test>\nSent: Wednesday, March 11, 2026 10:00 AM\n"
    "To: Ana\nSubject: A message\n\nGood morning",
    "outlook ro": "I will pay on Friday\n\n________________________________\nDe la: Acme <billing@acme.test>\n"
    "Trimis: miercuri, 11 martie 2026 10:00\nCătre: Ana\nSubiect: Un mesaj\n\nBună",
    "outlook uk": "I will pay on Friday\n\nВід: Acme <billing@acme.test>\nНадіслано: середа, 11 березня 2026 р. 10:00\n"
    "Кому: Ana\nТема: Повідомлення\n\nДобрий день",
    "outlook ru": "I will pay on Friday\n\nОт: Acme <billing@acme.test>\nОтправлено: 11 марта 2026 г. 10:00\n"
    "Кому: Ana\nТема: Сообщение\n\nДобрый день",
    "original message": "I will pay on Friday\n\n-----Mesaj original-----\nBună",
    "исходное": "I will pay on Friday\n\n-------- Исходное сообщение --------\nДобрый день",
    "signature": "I will pay on Friday\n-- \nAna Pop\n+40 712",
    "phone": "I will pay on Friday\n\nSent from my iPhone",
    "phone ro": "I will pay on Friday\n\nTrimis de pe iPhone-ul meu",
    "phone uk": "I will pay on Friday\n\nНадіслано з iPhone",
    "phone ru": "I will pay on Friday\n\nОтправлено с iPhone\n\n> Добрый день",
    "below": "On 11 Mar 2026, Acme <billing@acme.test> wrote:\n> Good morning\n> 1 Pay now\n\nI will pay on Friday",
    "windows lines": "I will pay on Friday\r\n\r\nOn 11.03.2026, Acme wrote:\r\n> Good morning\r\n",
}


@pytest.mark.parametrize("text", REPLIES.values(), ids=REPLIES.keys())
def test_only_the_person_s_own_words_are_left(text: str) -> None:
    assert unquoted(text) == "I will pay on Friday"


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "From: now on I can pay 100 a month",
        "My mother wrote:\nshe will pay",
        "On Friday I can pay.\nOn Monday too.",
        "Data: 15 mai",
        "Дата: 15 травня\nКому: вам",
        "плачу 11.03 -- точно",
        "first\n\nsecond",
    ],
)
def test_plain_words_are_left_alone(text: str) -> None:
    assert unquoted(text) == text


def test_words_between_quoted_lines_are_kept() -> None:
    assert unquoted("> pay 300?\nyes\n> when?\nFriday") == "yes\nFriday"


@given(st.text(alphabet="a >:-\n<@1wrote", max_size=300))
def test_nothing_is_invented_and_no_quoted_line_is_left(text: str) -> None:
    left = unquoted(text)
    assert not any(line.startswith(">") for line in left.splitlines())
    assert set(left.split()) <= set(text.split())
