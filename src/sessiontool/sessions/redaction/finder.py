"""Finds cards, telephone numbers, e-mail addresses, IBANs and social security numbers, written or spoken in English.

By rules that can be read and without a model: digits and number words as runs, which must have the check digits, the
lengths and the beginnings that such numbers have, or be called what they are: a digit that was misheard spoils its
check.  Addresses with "at" and "dot".  What is found is a suggestion.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from ...documents.lenient import words_of
from .emails import find_emails
from .labels import touches
from .spoken_digits import DigitRun, digit_runs
from .spoken_text import SpokenText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_CARDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}"
)
"""Numbers of cards by issuers' ranges and lengths (ISO/IEC 7812): Visa, Mastercard, Amex, Discover, JCB, Diners."""

_NANP = re.compile(r"1?[2-9]\d\d[2-9]\d{6}")  # North America: an area and an exchange begin with 2 to 9
_TRUNK = re.compile(r"0[1-9]\d{8,10}")  # a national number with its trunk prefix, as in the United Kingdom
_LOCAL = re.compile(r"(?<![\d-])\d{3}-\d{4}(?![\d-])")
_NANP_WRITTEN = re.compile(
    r"(?<![\w.-])(?:\+?1[ .-]?)?(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?![\d-])"
)
_SSN_WRITTEN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![\d-])")
_SSN = re.compile(r"(?!000|666|9)\d{3}(?!00)\d\d(?!0000)\d{4}")
_PHONE_WORDS = re.compile(
    r"\b(?:phone|telephone|call|cell|mobile|tel|ring|text|fax|whatsapp|reach|area code"
    r"|telefon\w*|t[eé]l[eé]fon\w*|handy\w*|portable|m[oó]vil|cellulare|celular|telem[oó]vel|mobiel\w*)\b",
    re.IGNORECASE,
)
_CARD_WORDS = re.compile(
    r"\b(?:cards?|credit|debit|visa|master\s?card|amex|american express|discover|maestro|diners)\b", re.IGNORECASE
)
_IBAN_WORDS = re.compile(r"\biban\b|\bI B A N\b", re.IGNORECASE)
_MY_NUMBER = re.compile(r"\b(?:my|your|his|her|their|our) (?:\w+ ){0,2}number\b", re.IGNORECASE)
_NUMBER_WORDS = re.compile(r"\bnumber\b", re.IGNORECASE)
_SSN_WORDS = re.compile(r"\b(?:ssn|social|security)\b", re.IGNORECASE)
_OTHER_WORDS = re.compile(
    r"\b(?:order|invoice|ticket|tracking|account|version|build|consignment|waybill|parcel|upc|ean|gtin|bar\s?code)\b",
    re.IGNORECASE,
)
_KEPT_WORDS = re.compile(
    r"\b(?:reference|confirmation|booking|case|serial|policy|member\w*|meter|claim|passport|licen[cs]e|imei|routing|isbn|id"
    r"|code|employee|badge|part|model|sku|transaction|batch|lot|warranty|customer|product|item)\b",
    re.IGNORECASE,
)
_PLUS = re.compile(r"(?:\+|\bplus[\s,]*)$", re.IGNORECASE)
_SIGNS = re.compile(r"(?:[(+](?:\s*[(+])*|\bplus[\s,]*)\s*$", re.IGNORECASE)
_TENS = re.compile(r"\b(?:ten|eleven|twelve|\w+teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)\b", re.IGNORECASE)
_AMOUNTS = re.compile(r"\b(?:hundred|thousand|point)\b", re.IGNORECASE)
_PAUSE = re.compile(r"[,.;\n-]|\b(?:dash|hyphen|then)\b", re.IGNORECASE)
_LISTED = re.compile(r",|\band\b", re.IGNORECASE)
_PART_OF_CODE = re.compile(r"[A-Za-z][_-]$")  # "LOT-2025…"
_DECIMAL = re.compile(r"\d{1,3}\.\d{4,}")
_FEWEST_STEPS = 3
"""Steps of a list; chosen: of three numbers in a row one in three rises or falls by chance, of four one in twelve."""
_NEAR_CHARS = 40
"""Characters between a word that names a number and the number; chosen."""
_COUNTED = "".join(map(str, range(100)))
"""Digits that counting aloud gives, which is no number of a telephone; chosen: to a hundred."""
_MOST_CARD_DIGITS, _FEWEST_TOGETHER, _MOST_ASIDE_CHARS = 19, 3, 40
"""Digits of a card at most (ISO/IEC 7812), the fewest of a piece where words part it, characters of those; chosen."""
_NAMED_CARD, _SAID_CARD = range(12, 20), range(14, 20)
"""Digits of what is called a card (ISO/IEC 7812), and of what is said and called nothing (chosen)."""
_NAMED_IBAN, _COUNTRY_AND_CHECK = range(15, 35), re.compile(r"[A-Z]{2}\d\d")
"""How many characters what is called an IBAN has, and its first four (by definition, ISO 13616)."""
_SPOKEN_PHONE, _FEWEST_NATIONAL = range(7, 14), 10
"""Digits of a number that is said digit by digit, and called nothing; chosen: local to with a country's code.  From
the second on it may be said in tens as well."""
_MOST_PHONE_DIGITS, _FEWEST_ABROAD, _FEWEST_NAMED = 15, 8, 7
"""Digits of a phone number: the most (ITU-T E.164), the fewest with a country's code, the fewest where it is named
so (chosen)."""

_IBAN_LENGTHS = {
    pair[:2]: int(pair[2:])
    for pair in words_of(
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 "
        "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 "
        "LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 "
        "SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
    )
}
"""Characters of an IBAN by its country (the registry of SWIFT, ISO 13616)."""


class Hit(Struct, frozen=True):
    """Characters of a text that are of a kind."""

    kind: str
    start: int
    end: int


def find(text: str, kinds: Iterable[str]) -> list[Hit]:
    """What is found of `kinds` in a text, in order; where two kinds share characters, the surer one."""
    found: list[Hit] = []
    wanted, taken = set(kinds), bytearray(len(text))
    said = SpokenText(text)
    for kind, finder in FINDERS.items():
        for start, end in finder(said):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append(Hit(kind, start, end))
    return sorted((one for one in found if one.kind in wanted), key=lambda one: one.start)


def _emails(said: SpokenText) -> Iterator[tuple[int, int]]:
    yield from find_emails(said.text)


def _cards(said: SpokenText) -> Iterator[tuple[int, int]]:
    for run in (*said.within, *said.across):
        if _card_at(run.digits, 0) == len(run.digits):
            yield run.place(0, len(run.digits))
    for run in (*said.carried, *said.within):
        if _is_called_card(run, said):
            yield run.place(0, len(run.digits))
    others = [found.span() for kind in (_SSN_WRITTEN, _NANP_WRITTEN) for found in kind.finditer(said.text)]
    others += [run.place(0, len(run.digits)) for run in said.within if _is_national(run.digits)]
    whole = [*_whole_cards(said), *_cards_with_asides(digit_runs(said.text))]
    yield from (one for one in whole if not touches(one, others))  # by chance, of two numbers


def _is_called_card(run: DigitRun, said: SpokenText) -> bool:
    """Whether digits are called a card, whatever their check digit is, or are so many that are said one by one."""
    if len(run.digits) in _NAMED_CARD and _is_near(_CARD_WORDS, said, run):
        return True
    is_other = any(_is_near(words, said, run, in_turn=True) for words in (_OTHER_WORDS, _KEPT_WORDS))
    return len(run.digits) in _SAID_CARD and _is_said(run, said.text) and not is_other


def _cards_with_asides(runs: Sequence[DigitRun]) -> Iterator[tuple[int, int]]:
    """Cards that a few words part: "1111, and the second half is, 1111"; they begin and end with a run."""
    first = 0
    while first < len(runs):
        digits, after = runs[first].digits, first + 1
        while after < len(runs) and len(digits) < _MOST_CARD_DIGITS and _is_aside(runs[after - 1], runs[after]):
            digits += runs[after].digits
            after += 1
            if _card_at(digits, 0) == len(digits):
                yield runs[first].places[0][0], runs[after - 1].places[-1][1]
                first = after - 1
                break
        first += 1


def _is_aside(before: DigitRun, after: DigitRun) -> bool:
    is_long = min(len(before.digits), len(after.digits)) >= _FEWEST_TOGETHER
    return is_long and 0 <= after.places[0][0] - before.places[-1][1] <= _MOST_ASIDE_CHARS


def _whole_cards(said: SpokenText) -> Iterator[tuple[int, int]]:
    """Cards in longer runs, but for those in the middle of what is written as one number."""
    for run in said.within:
        first = 0
        while first < len(run.digits):
            after = _card_at(run.digits, first)
            start, end = run.place(first, after or first + 1)
            if after and not said.text[max(0, start - 1) : start].isdigit() and not said.text[end : end + 1].isdigit():
                yield start, end
            first = after or first + 1


def _card_at(digits: str, first: int) -> int:
    """Behind the card that begins at a digit; 0 where none does."""
    for length in (19, 16, 15, 14, 13):
        number = digits[first : first + length]
        if len(number) == length and _CARDS.fullmatch(number) and _luhn(number):
            return first + length
    return 0


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812: every second digit from the right doubled."""
    doubled = (sum(divmod(2 * int(one), 10)) for one in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def _ibans(said: SpokenText) -> Iterator[tuple[int, int]]:
    for run in said.spelled:
        for first in range(len(run.digits) - 1):
            length = _IBAN_LENGTHS.get(run.digits[first : first + 2], 0)
            number = run.digits[first : first + length]
            if length and len(number) == length and _mod_97(number):
                yield run.place(first, first + length)
    yield from (called for run in said.spelled if (called := _called_iban(run, said.text)))


def _called_iban(run: DigitRun, text: str) -> tuple[int, int] | None:
    """An account number that is as long as its country's are, or is called one, whatever its check digits are."""
    for begun in _COUNTRY_AND_CHECK.finditer(run.digits):
        wanted, count = _IBAN_LENGTHS.get(begun[0][:2], 0), len(run.digits) - begun.start()
        start = max(0, run.places[0][0] - _NEAR_CHARS)  # a run of letters may have what it is called in it
        is_called = count in _NAMED_IBAN and _IBAN_WORDS.search(text, start, run.places[-1][1])
        if wanted and (count == wanted or is_called):
            return run.place(begun.start(), begun.start() + min(count, wanted))
    return None


def _mod_97(number: str) -> bool:
    """The check of ISO 13616: the first four characters last, letters as numbers from 10 on."""
    return int("".join(str(int(one, 36)) for one in number[4:] + number[:4])) % 97 == 1


def _social(said: SpokenText) -> Iterator[tuple[int, int]]:
    yield from (found.span() for found in _SSN_WRITTEN.finditer(said.text))
    for run in (*said.within, *said.across):
        is_grouped = _groups(run, said.text) == [3, 2, 4]
        is_named = _is_near(_SSN_WORDS, said, run)
        if _SSN.fullmatch(run.digits) and (is_grouped or is_named):
            yield run.place(0, len(run.digits))


def _phones(said: SpokenText) -> Iterator[tuple[int, int]]:
    national = [one for one in (*said.within, *said.carried) if _is_national(one.digits)]
    for run in (*national, *said.carried, *said.within, *_parts(said)):
        if _is_phone(run, said):
            start, end = run.place(0, len(run.digits))
            signs = _SIGNS.search(said.text, max(0, start - 8), start)
            yield (signs.start() if signs else start), end
    for found in (*_LOCAL.finditer(said.text), *_NANP_WRITTEN.finditer(said.text)):
        if not _is_other(said, *found.span()):
            yield found.span()


def _parts(said: SpokenText) -> Iterator[DigitRun]:
    """What may be a number in a longer run: half of what was said twice, and what is written behind a number word."""
    for run in said.within:
        half = len(run.digits) // 2
        if run.digits[:half] == run.digits[half:]:
            yield DigitRun(run.digits[:half], (*run.places[: half - 1], (run.places[half - 1][0], run.places[-1][1])))
        written = [said.text[start:end].isdigit() for start, end in run.places]
        first = written.index(True) if True in written else 0
        if first > 0 and all(written[first:]):
            yield DigitRun(run.digits[first:], run.places[first:])


def _is_national(digits: str) -> bool:
    """Whether digits are a whole number by the plan of its country, whatever they are called."""
    return (_NANP.fullmatch(digits) or _TRUNK.fullmatch(digits)) is not None


def _is_phone(run: DigitRun, said: SpokenText) -> bool:
    digits, start, text = run.digits, run.places[0][0], said.text
    is_called = _is_near(_PHONE_WORDS, said, run)
    is_decimal = _DECIMAL.fullmatch(text, start, run.places[-1][1])
    is_code = _PART_OF_CODE.search(text, max(0, start - 2), start)
    is_none = not is_called and (is_decimal or is_code or _is_list(run, text))
    if is_none or len(digits) > _MOST_PHONE_DIGITS or _is_other(said, start, run.places[-1][1]):
        return False
    is_kept = _is_near(_KEPT_WORDS, said, run, in_turn=True) and not is_called
    is_abroad = digits.startswith("00") and not is_kept
    is_abroad = is_abroad or _PLUS.search(text, max(0, start - 8), start) is not None
    if is_abroad and len(digits.lstrip("0")) >= _FEWEST_ABROAD:
        return True
    if _is_national(digits):
        return True
    if _groups(run, text) == [3, 4] and _is_near(_NUMBER_WORDS, said, run):
        return True
    is_plain = len(digits) >= _FEWEST_NATIONAL or not _TENS.search(text, start, run.places[-1][1])
    if len(digits) in _SPOKEN_PHONE and is_plain and _is_said(run, text) and not is_kept:
        return True
    is_named = is_called or (_is_near(_MY_NUMBER, said, run) and not is_kept)
    return len(digits) >= _FEWEST_NAMED and is_named


def _is_list(run: DigitRun, text: str) -> bool:
    """Whether digits are counted aloud, or numbers that only rise or only fall, with commas between."""
    values: list[int] = []
    for before, after, digit in zip([(0, 0), *run.places], run.places, run.digits, strict=False):
        between = text[before[1] : after[0]]
        if not values or _LISTED.search(between):
            values.append(0)
        values[-1] = 10 * values[-1] + int(digit)
    steps = [after - before for before, after in pairwise(values)]
    is_list = len(steps) >= _FEWEST_STEPS and (min(steps) > 0 or max(steps) < 0)
    return run.digits in _COUNTED or (is_list and not run.digits.startswith("0"))


def _is_other(said: SpokenText, start: int, end: int) -> bool:
    """Whether digits are called something else in their turn, and not a telephone number after that."""
    first, last = max(said.line(start)[0], start - _NEAR_CHARS), min(said.line(end - 1)[1], end + _NEAR_CHARS // 2)
    other, phone = (
        max((found.end() for found in words.finditer(said.text, first, start)), default=-1)
        for words in (_OTHER_WORDS, _PHONE_WORDS)
    )
    return other > phone or (phone < 0 and _OTHER_WORDS.search(said.text, end, last) is not None)


def _is_said(run: DigitRun, text: str) -> bool:
    """Whether all digits are words, and none of an amount."""
    start, end = run.places[0][0], run.places[-1][1]
    return not any(one.isdigit() for one in text[start:end]) and not _AMOUNTS.search(text, start, end)


def _is_near(words: re.Pattern[str], said: SpokenText, run: DigitRun, *, in_turn: bool = False) -> bool:
    """Whether one of these words stands shortly before a run, also in a turn before, or behind it in the same turn."""
    start, end = run.places[0][0], run.places[-1][1]
    first = max(said.line(start)[0] if in_turn else 0, start - _NEAR_CHARS)
    after = min(end + _NEAR_CHARS // 2, said.line(end - 1)[1])
    return (words.search(said.text, first, start) or words.search(said.text, end, after)) is not None


def _groups(run: DigitRun, text: str) -> list[int]:
    """How many digits stand together: written ones without anything between, spoken ones without a comma."""
    counts = [1]
    for before, after in zip(run.places, run.places[1:], strict=False):
        between = text[before[1] : after[0]] if after[0] >= before[1] else ""
        is_written = text[after[0] : after[1]].isdigit()
        if (is_written and between) or _PAUSE.search(between):
            counts.append(0)
        counts[-1] += 1
    return counts


FINDERS: dict[str, Callable[[SpokenText], Iterator[tuple[int, int]]]] = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ssn": _social,
    "phone": _phones,
}
"""What can be found, the surest first."""
