"""Numbers put together: two hundred fifty, двадцять п'ятого, 2,5 тис, o mie cinci sute, 3 hundred."""

from __future__ import annotations

import re
from decimal import Decimal

from dialogs.reading.marks import Token
from dialogs.reading.pieces import MOST_PARTS

CARD = re.compile(r"/card=([\d.]+)/")
NUMBER = re.compile(r"/n=([\d.]+)/")
TIMES = re.compile(r"/times=(\d+)/")
NAMES_A_NUMBER = re.compile(r"/(?:card|n|times|ord)=")
ORDINAL = re.compile(r"/ord=(\d+)/")
THOUSAND = 1000
HUNDRED = 100
LARGEST = 10**9
SHORTEST_ALONE = 4
"""Letters from which a word of hundreds or thousands is a number without another before it."""


def joined(found: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens with each spoken or mixed number as one token."""
    if not any(NAMES_A_NUMBER.search(token.marks) for token in found):
        return found
    row: list[Token] = []
    place = 0
    while place < len(found):
        token, end = _numeral(found, place)
        row.append(token)
        place = end
    return tuple(row)


def _numeral(found: tuple[Token, ...], start: int) -> tuple[Token, int]:
    first = found[start]
    if not (CARD.search(first.marks) or NUMBER.search(first.marks) or TIMES.search(first.marks)):
        return _article(found, start) or _half(found, start) or _ordinal_alone(first, start)
    value, place, last = _group(found, start)
    if value is None:
        return first, start + 1
    times = _times(found, place)
    if times and value < THOUSAND * HUNDRED:
        value, place = value * times[0], times[1]
        value, place = _behind_thousands(found, value, place, times[0])
    scaled = times[0] if times else 0
    text = " ".join(token.text for token in found[start:place])
    marks = _marks(first, value, place - start, last) + (f"scaled={scaled}/" if scaled else "")
    ordinal = _ordinal_behind(found, value, place)
    if ordinal:
        return ordinal
    if place < len(found) and found[place].marks == "/th/":
        return Token(
            text, f"/ord={int(value)}/free={int(value)}/day={int(value)}/" if 1 <= value <= 31 else "/"
        ), place + 1
    if place < len(found) and found[place].marks == "/ending/":
        place += 1
    return Token(text, marks), place


def _marks(first: Token, value: Decimal, length: int, last: str) -> str:
    if length == 1 and "/n=" in first.marks:
        return first.marks
    if value >= LARGEST:
        return "/long/"
    whole = f"int={int(value)}/" if value == int(value) else ""
    spoken = "" if last == "digits" or not whole else f"spoken={int(value)}/"
    small = f"small={int(value)}/" if whole and 2 <= value <= MOST_PARTS else ""
    shown = f"{value.normalize():f}"
    kept = "a/" if "/a/" in first.marks and length == 1 else ""
    return f"/n={shown}/{whole}{spoken}{kept}{small}"


def _group(found: tuple[Token, ...], place: int) -> tuple[Decimal | None, int, str]:
    """A number below a thousand in words, or one in digits, and where it ends."""
    digits = NUMBER.search(found[place].marks)
    if digits:
        value, place = _half_more(found, Decimal(digits[1]), place + 1)
        hundred = _mark(TIMES, found, place)
        if hundred == HUNDRED and value < HUNDRED:
            return value * HUNDRED, place + 1, "digits"
        return value, place, "digits"
    if TIMES.search(found[place].marks):
        if len(found[place].text) < SHORTEST_ALONE:
            return None, place, ""
        times = _mark(TIMES, found, place)
        card = CARD.search(_at(found, place + 1))
        if "/many/" in found[place].marks and card and Decimal(card[1]) < HUNDRED:
            return Decimal(card[1]) * (times or 1), place + 2, "word"
        return _tail(found, Decimal(HUNDRED), place + 1) if times == HUNDRED else (Decimal(1), place, "word")
    card = CARD.search(found[place].marks)
    value = Decimal(card[1]) if card else Decimal(1)
    place += 1
    if _mark(TIMES, found, place) == HUNDRED and value < HUNDRED:
        return _tail(found, value * HUNDRED, place + 1)
    if value >= HUNDRED:
        return _tail(found, value, place)
    value, place = _tens(found, value, place)
    value, place = _half_more(found, value, place)
    if _mark(TIMES, found, place) == HUNDRED and value < HUNDRED:
        return _tail(found, value * HUNDRED, place + 1)
    return value, place, "word"


def _tail(found: tuple[Token, ...], value: Decimal, place: int) -> tuple[Decimal, int, str]:
    """What stands behind the hundreds: fifty, and five. Not where it begins a number of its own."""
    behind = place + 1 if _is_and(found, place) else place
    card = _mark(CARD, found, behind)
    if not card or card >= HUNDRED:
        return value, place, "word"
    more, end = _tens(found, Decimal(card), behind + 1)
    if behind != place and (_mark(TIMES, found, end) or more < 1):
        return value, place, "word"
    return value + more, end, "word"


def _tens(found: tuple[Token, ...], value: Decimal, place: int) -> tuple[Decimal, int]:
    """A unit behind the tens: nouăzeci și nouă, двадцать пять."""
    if value < 20 or value % 10:
        return value, place
    behind = place + 1 if _is_and(found, place) or _at(found, place) == "/dash/" else place
    unit = _mark(CARD, found, behind) or (1 if "/a/" in _at(found, behind) and behind != place else None)
    if not unit or unit >= 10 or (behind != place and _mark(TIMES, found, behind + 1) == HUNDRED):
        return value, place
    return value + unit, behind + 1


def _half_more(found: tuple[Token, ...], value: Decimal, place: int) -> tuple[Decimal, int]:
    """Two and a half before a thousand: две с половиной тысячи."""
    end = place
    while end < len(found) and re.search(r"/(?:and|a|on|from)/", found[end].marks) and end - place < 2:
        end += 1
    if "/frac=1:2/" in _at(found, end) and end > place and (_mark(TIMES, found, end + 1) or 0) >= THOUSAND:
        return value + Decimal("0.5"), end + 1
    return value, place


def _times(found: tuple[Token, ...], place: int) -> tuple[int, int] | None:
    if _at(found, place) and "/of/" in found[place].marks:
        place += 1
    times = _mark(TIMES, found, place)
    if not times or times < THOUSAND:
        return None
    stopped = _at(found, place + 1) == "/stop/" and "/cur=" in _at(found, place + 2)
    return times, place + 1 + stopped


def _behind_thousands(found: tuple[Token, ...], value: Decimal, place: int, times: int) -> tuple[Decimal, int]:
    """What stands behind the thousands: five hundred, and a half."""
    behind = place + 1 if _is_and(found, place) else place
    if "/a/" in _at(found, behind) and _mark(TIMES, found, behind + 1) == HUNDRED:
        hundreds, end, _ = _tail(found, Decimal(HUNDRED), behind + 2)
        return value + hundreds, end
    half = behind + 1 if "/a/" in _at(found, behind) else behind
    if "/frac=1:2/" in _at(found, half) and (behind != place or value == times):
        return value + Decimal(times) / 2, half + 1
    if "/on/" in _at(found, place) and "/frac=1:2/" in _at(found, place + 1):
        return value + Decimal(times) / 2, place + 2
    digits = NUMBER.search(_at(found, place))
    if (
        digits
        and HUNDRED <= Decimal(digits[1]) < THOUSAND
        and "/int=" in found[place].marks
        and not _alone(found, place + 1)
    ):
        return value + Decimal(digits[1]), place + 1
    if not _at(found, behind) or not (CARD.search(found[behind].marks) or _is_hundreds(found, behind)):
        return value, place
    more, end, _ = _group(found, behind)
    if (
        more is None
        or more >= THOUSAND
        or _mark(TIMES, found, end)
        or (behind != place and more < HUNDRED and _alone(found, end))
    ):
        return value, place
    return value + more, end


def _is_hundreds(found: tuple[Token, ...], place: int) -> bool:
    return _mark(TIMES, found, place) == HUNDRED or (
        "/digits/" in _at(found, place) and _mark(TIMES, found, place + 1) == HUNDRED
    )


def _alone(found: tuple[Token, ...], place: int) -> bool:
    """Whether the number before a place counts things of its own: a thousand and two parts."""
    return bool(re.search(r"/(?:unit=\w+|part|kind|thing)/", _at(found, place)))


def _half(found: tuple[Token, ...], start: int) -> tuple[Token, int] | None:
    """Half a thousand, пол штуки."""
    if "/frac=1:2/" not in found[start].marks:
        return None
    behind = start + 2 if re.search(r"/(?:a|of)/", _at(found, start + 1)) else start + 1
    times = _mark(TIMES, found, behind)
    if not times:
        return None
    return Token(found[start].text, _marks(Token("", "/"), Decimal(times) / 2, 2, "word")), behind + 1


def _article(found: tuple[Token, ...], start: int) -> tuple[Token, int] | None:
    """A hundred, o mie, un sfert: an article before a hundred or a thousand is one."""
    times = _mark(TIMES, found, start + 1)
    if "/a/" not in found[start].marks or not times:
        return None
    if times == HUNDRED:
        value, place, _ = _tail(found, Decimal(HUNDRED), start + 2)
        more = _times(found, place)
        if more:
            value, place = _behind_thousands(found, value * more[0], more[1], more[0])
    else:
        value, place = _behind_thousands(found, Decimal(times), start + 2, times)
    text = " ".join(token.text for token in found[start:place])
    return Token(text, _marks(Token("", ""), value, 2, "word")), place


def _ordinal_alone(token: Token, start: int) -> tuple[Token, int]:
    ordinal = ORDINAL.search(token.marks)
    return (Token(token.text, f"{token.marks}day={ordinal[1]}/") if ordinal else token), start + 1


def _ordinal_behind(found: tuple[Token, ...], value: Decimal, place: int) -> tuple[Token, int] | None:
    """Twenty fifth, двадцять п'ятого."""
    if value not in {20, 30} or place >= len(found):
        return None
    behind = place + 1 if found[place].marks == "/dash/" else place
    ordinal = ORDINAL.search(_at(found, behind))
    unit = int(ordinal[1]) if ordinal else 2 if "/second/" in _at(found, behind) else 0
    if not 1 <= unit <= 9 or value + unit > 31:
        return None
    return Token(
        f"{int(value)} {found[behind].text}", f"/ord={value + unit}/free={value + unit}/day={value + unit}/"
    ), behind + 1


def _mark(shape: re.Pattern[str], found: tuple[Token, ...], place: int) -> int | None:
    hit = shape.search(found[place].marks) if place < len(found) else None
    return int(Decimal(hit[1])) if hit and Decimal(hit[1]) == int(Decimal(hit[1])) else None


def _at(found: tuple[Token, ...], place: int) -> str:
    return found[place].marks if 0 <= place < len(found) else ""


def _is_and(found: tuple[Token, ...], place: int) -> bool:
    return "/and/" in _at(found, place) and "/plus/" not in _at(found, place)
