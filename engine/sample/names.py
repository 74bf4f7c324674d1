"""Names for the sample portfolio, as people of each language write them. A family name may have two forms: `m|f`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Given names, family names, and a firm as `form` with a {name}."""

    men: tuple[str, ...]
    women: tuple[str, ...]
    families: tuple[str, ...]
    firm: str
    firms: tuple[str, ...]


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ENGLISH = Names(
    _list("James Oliver Thomas Daniel Samuel Henry Jacob Michael David Peter Marcus Anthony Kevin Brian Luke Arjun"),
    _list("Sarah Emily Grace Hannah Charlotte Olivia Rachel Laura Megan Alice Nadia Joanna Priya Denise Kelly Ruth"),
    _list(
        "Smith Carter Bennett Hughes Walker Turner Morgan Foster Brooks Hayes O’Connor Patel Reid Lawson Price Ellis"
    ),
    "{name} Ltd",
    (
        "Harbour Lane Bakery",
        "Northfield Dental",
        "Blue Door Books",
        "Maple Street Garage",
        "Hilltop Nursery",
        "Kestrel Freight",
    ),
)
ROMANIAN = Names(
    _list("Andrei Ștefan Mihai Ion Vasile Alexandru Cristian Gheorghe Radu Florin Nicolae Sorin Dănuț Lucian Marian"),
    _list(
        "Ioana Elena Mihaela Andreea Doina Cristina Ana-Maria Gabriela Raluca Ștefania Liliana Natalia Rodica Viorica"
    ),
    _list(
        "Popescu Ionescu Munteanu Rusu Ciobanu Țurcanu Bălan Stănescu Ștefănescu Moraru Cojocaru Lungu Ceban Dobrescu "
        "Vlăduț Mureșan Căpățînă Țăranu Grosu Botnari"
    ),
    "{name} SRL",
    (
        "Panificația Dorna",
        "Florăria Iris",
        "Autoservice Țintă",
        "Farmacia Căței",
        "Tipografia Știința",
        "Lactate Bălți",
    ),
)
UKRAINIAN = Names(
    _list("Олександр Андрій Микола Тарас Богдан Дмитро Сергій В’ячеслав Юрій Ігор Остап Максим Євген Роман"),
    _list("Оксана Наталія Ірина Ганна Софія Олена Мар’яна Юлія Тетяна Катерина Леся Дарина Соломія Людмила"),
    _list(
        "Шевченко Коваленко Бондаренко Ткачук Мельник Кравчук Дем’яненко Лисенко Поліщук Гнатюк Савчук Романюк "
        "Ковальський|Ковальська Яворський|Яворська Чорний|Чорна Їжакевич"
    ),
    "ТОВ «{name}»",
    ("Зоряний степ", "Калина", "Лісова пекарня", "Дніпровський шлях", "Сім’я і дім", "Чисте джерело"),
)
RUSSIAN = Names(
    _list("Алексей Сергей Дмитрий Виктор Павел Игорь Руслан Артём Тимур Николай Олег Михаил Марат Фёдор"),
    _list("Анна Елена Ольга Светлана Марина Татьяна Ирина Алёна Людмила Вера Айгуль Динара Наталья Юлия"),
    _list(
        "Иванов|Иванова Кузнецов|Кузнецова Соколов|Соколова Морозов|Морозова Семёнов|Семёнова Орлов|Орлова "
        "Белый|Белая Левицкий|Левицкая Ким Ахметов|Ахметова Жуков|Жукова Гончар Сагинтаев|Сагинтаева Киселёв|Киселёва"
    ),
    "ООО «{name}»",
    ("Северный путь", "Хлебный двор", "Алатау", "Ромашка", "Ёлочка", "Мастер и дом"),
)
BY_LANGUAGE = {"en": ENGLISH, "ro": ROMANIAN, "uk": UKRAINIAN, "ru": RUSSIAN}

LATIN = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ie", "ж": "zh", "з": "z", "и": "y",
        "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s",
        "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ь": "", "ъ": "",
        "ы": "y", "э": "e", "ё": "e", "ю": "iu", "я": "ia", "ă": "a", "â": "a", "î": "i", "ș": "s", "ț": "t",
        "’": "", " ": ".",
    }
)  # fmt: skip


def mailbox(name: str) -> str:
    """The name as the part of an address before the @."""
    return name.lower().translate(LATIN)
