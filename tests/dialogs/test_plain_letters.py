"""Plain letters by the official rules; and the words we ask for are understood as they were shown."""

from __future__ import annotations

import re
from datetime import date

import pytest

from dialogs.catalog import load_catalogs
from dialogs.checks.wording import QUOTED
from dialogs.plain import LANGUAGES, plain
from dialogs.reading.reader import read
from dialogs.script import load_scripts
from dialogs.segments import is_gsm
from engine.contact import ChannelKind

TODAY = date(2026, 11, 16)


@pytest.mark.parametrize(
    ("language", "written", "plainly"),
    [
        ("ro", "Plătiți până vineri, întâi Ștefan și ţara", "Platiti pana vineri, intai Stefan si tara"),
        ("uk", "Алушта Згурський Знам’янка Гадяч Ґалаґан", "Alushta Zghurskyi Znamianka Hadiach Galagan"),
        ("uk", "Єнакієве Їжакевич Кадиївка Йосипівка Стрий", "Yenakiieve Yizhakevych Kadyivka Yosypivka Stryi"),
        ("uk", "Юрій Корюківка Яготин Костянтин Ужгород", "Yurii Koriukivka Yahotyn Kostiantyn Uzhhorod"),
        ("uk", "Щербухи ГОЩА Русь сім’я Розгін", "Shcherbukhy HOSHCHA Rus simia Rozghin"),
        ("ru", "Щёлково, подъезд, объявление, Юлия", "Shchelkovo, podieezd, obieiavlenie, Iuliia"),
        ("ru", "Вы можете оплатить 1 240,50 ₽ до 28 ноября", "Vy mozhete oplatit 1 240,50 RUB do 28 noiabria"),
        ("fr", "déjà payé", "déjà payé"),
    ],
)
def test_letters_by_the_book(language: str, written: str, plainly: str) -> None:
    assert plain(written, language) == plainly


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_for_sms_can_be_written_plainly(language: str) -> None:
    catalog = load_catalogs()[language]
    for script in load_scripts().values():
        for text in script.texts.values():
            for form in catalog.all_forms(text) if not text.key.endswith(f".{ChannelKind.VOICE}") else ():
                left = {char for char in plain(form, language) if char.isalpha() and not is_gsm(char)}
                assert left == set() or text.key.startswith("common.language."), (text.key, left)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_to_reply_with_are_understood_as_they_were_shown(language: str) -> None:
    catalog, asked = load_catalogs()[language], set()
    for script in load_scripts().values():
        for text in script.texts.values():
            asked |= {word for form in catalog.all_forms(text) for word in QUOTED.findall(form)}
    assert asked
    for word in asked:
        shown = plain(word, language)
        assert re.fullmatch("[a-z]+", shown), word
        assert read(shown, language, TODAY).intent == read(word, language, TODAY).intent, word
