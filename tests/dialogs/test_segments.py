from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.segments import GSM_BASIC, economical, is_gsm, segments

TEXTS = st.text(alphabet="aă€[\n😀 Ж", max_size=260) | st.text(alphabet="ab€[", max_size=400)


def fewest(widths: list[int], alone: int, joined: int) -> int:
    """The least number of messages, tried over every place where the first one may end."""
    if sum(widths) <= alone:
        return 1

    @cache
    def rest(start: int) -> int:
        if start == len(widths):
            return 0
        best, used = len(widths), 0
        for end in range(start, len(widths)):
            used += widths[end]
            if used > joined:
                break
            if end + 1 == len(widths) or used + widths[end + 1] > joined:
                best = min(best, 1 + rest(end + 1))
        return best

    return rest(0)


@given(TEXTS)
def test_segments_are_as_few_as_can_be(text: str) -> None:
    if is_gsm(text):
        expected = fewest([1 if char in GSM_BASIC else 2 for char in text], 160, 153)
    else:
        expected = fewest([len(char.encode("utf-16-le")) // 2 for char in text], 70, 67)
    assert segments(text) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 66, 2),
        ("😀" * 67, 3),
        ("ș" + "a" * 79, 2),
    ],
)
def test_segments_by_the_book(text: str, count: int) -> None:
    assert segments(text) == count


def test_no_break_spaces_of_money_become_plain() -> None:
    assert economical("1\u202f234,50\u00a0RON, 5\u2007m") == "1 234,50 RON, 5 m"


def test_typography_is_plain_only_where_that_pays() -> None:
    assert economical("9:00–18:00, it’s “us”…") == '9:00-18:00, it\'s "us"...'
    assert economical("п’ятниця – 15 травня") == "п’ятниця – 15 травня"


def test_letters_are_plain_on_request_and_where_it_saves_a_segment() -> None:
    long = "Plătiți până vineri, întâi Ștefan și ţara, apoi oricând doriți dumneavoastră."
    assert economical(long) == long
    assert economical(long, "ro") == "Platiti pana vineri, intai Stefan si tara, apoi oricand doriti dumneavoastra."
    assert economical("Plătiți până vineri", "ro") == "Plătiți până vineri"
