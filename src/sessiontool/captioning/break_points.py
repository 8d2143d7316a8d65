# ruff: noqa: RUF001 - the punctuation of many scripts looks alike
"""Where a text may be broken, and how much each place would disturb reading.

A text becomes pieces that are never taken apart: words, in CJK text characters with the punctuation that belongs to
them.  Every place between two pieces has a price: nothing after a sentence, little after a clause, more before a
phrase, and a prohibitive one between an article and its noun, a title and a name, a number and its unit.  Prices are
only compared with one another.

The small words of a language are data (`function_words`).  This is no grammar: it looks at the two words beside a place
and at nothing else.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from ..speech.scripts import CJK
from .cell_width import cells, clusters, is_plain
from .function_words import NO_WORDS, TITLES, WORDS
from .phrases import phrase_edges
from .sanitize import NO_BREAK_SPACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .function_words import SmallWords
    from .phrases import PhraseEdges

SENTENCE, CLAUSE, COMMA, PHRASE, ORDINARY, LEANING, DANGLING, BOUND = 0, 20, 40, 90, 160, 300, 450, 1500
"""Prices of a break.  Chosen.

After a sentence, a clause, a comma; before a phrase; between words; between words that lean on one another (a pronoun
and its verb, two names); after a word that begins a phrase; between words that must not be parted.
"""

_CLOSERS = "\"')]}»”’」』）】〉》〕…\u200e\u200f"
_OPENERS = "\"'([{«“‘„¿¡\u200e\u200f"
_ENDS = frozenset(".!?…。！？｡؟۔।॥")
_CLAUSES = frozenset(";:—–；：؛")
_COMMAS = frozenset(",、，،､")
_ABBREVIATIONS = frozenset(  # without their last stop
    ("e.g", "i.e", "approx", "ca", "z.b", "d.h", "bzw", "vs", "cf", "u.a", "p.ej")
)
_NUMBER = r"[$€£¥#]?[\d٠-٩][\d٠-٩.,:/'’-]*"
_MEASURED_OFF = frozenset(  # a number follows
    (
        "$",
        "€",
        "£",
        "¥",
        "#",
        "no",
        "nr",
        "vol",
        "p",
        "pp",
        "fig",
        "page",
        "chapter",
        "number",
        "room",
        "gate",
        "flight",
        "seite",
        "zimmer",
    )
)

_WIDE_OPENERS = "「『（【〈《〔［｛"
_WIDE_CLOSERS = (
    "、。，．！？：；」』）】〉》〕］｝…‥ー々〻ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ\u3099\u309a\ufe00-\ufe0f"
)
_WIDE_ITEM = "[（(]?[0-9０-９]{1,3}[.．、:：)）]|[\u2460-\u2473]"
_HIRAGANA = "[\u3041-\u309f]"
_AFTER_DASH = "(?<=[\u2014\u2013])(?=[^\\W\\d])"


@cache  # sets as large as these take longer to compile than most commands to run, and most texts need none
def _wide_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What finds wide characters, and what takes a text with some into pieces."""
    openers = re.escape(_WIDE_OPENERS)
    piece = f"[{openers}]*(?:[{CJK}]|[^{CJK}{openers}]+?(?=[{CJK}{openers}]|$)|$)[{_WIDE_CLOSERS}]*"
    return re.compile(f"[{CJK}\u3001-\u3011\uff01-\uff60]"), re.compile(piece)


class Pieces(Struct, frozen=True):
    """A text in pieces that are never taken apart.

    `glue[k]` (a space or nothing) stands before piece k; `prices[k]` is the price of a break there, SENTENCE for k =
    0.  `forced[k]`: the text itself begins a line there.  `sizes[k]` is its width in cells; `offsets[k]` is the width
    of all before it, glue included, and has one entry more than there are pieces.  `counts` says how many pieces each
    of the texts has.
    """

    texts: list[str]
    glue: list[str]
    prices: list[int]
    forced: list[bool]
    sizes: list[int]
    offsets: list[int]
    counts: list[int]

    def cells(self, first: int, end: int) -> int:
        """How many cells the pieces `first` to `end` (exclusive) take on one line."""
        return self.offsets[end] - self.offsets[first] - len(self.glue[first])

    def text(self, first: int, end: int) -> str:
        """The text of the pieces `first` to `end` (exclusive)."""
        return self.texts[first] + "".join(
            map("".join, zip(self.glue[first + 1 : end], self.texts[first + 1 : end], strict=True))
        )


def pieces_of(texts: Iterable[str], language: str, most_cells: int | None) -> Pieces:
    """The pieces of texts that follow one another; what is wider than `most_cells` is broken wherever it must."""
    small = WORDS.get(language[:2].lower() or "en", NO_WORDS)
    found: list[str] = []
    glue: list[str] = []
    prices: list[int] = []
    forced: list[bool] = []
    counts: list[int] = []
    for text in texts:
        already = len(found)
        for word, price, is_forced in _words(text, small):
            if word.isascii() and (most_cells is None or len(word) <= most_cells):  # is one piece, as nearly all are
                found.append(word)
                glue.append(" ")
                prices.append(price)
                forced.append(is_forced)
                continue
            for part, inner in _parts(word, most_cells, language):
                found.append(part)
                glue.append(" " if inner is None else "")
                prices.append(price if inner is None else inner)
                forced.append(is_forced and inner is None)
        counts.append(len(found) - already)
    sizes = [len(text) if text.isascii() else cells(text) for text in found]
    offsets = list(accumulate((size + len(g) for size, g in zip(sizes, glue, strict=True)), initial=0))
    return Pieces(found, glue, prices, forced, sizes, offsets, counts)


def _words(text: str, small: SmallWords) -> Iterator[tuple[str, int, bool]]:
    """The words of a text, each with the price of a break before it, and whether the text begins a line there."""
    before, is_number = "", False
    for line_number, line in enumerate(text.split("\n")):
        for word_number, word in enumerate(line.split(" ")):
            is_first = word_number == 0
            price = BOUND if is_number else _price(before, word, small) if before else SENTENCE
            yield word, SENTENCE if is_first else price, is_first and line_number > 0
            is_number = word[-1:] in _ITEM_ENDS and _begins_item(word, is_first=is_first, after=before)
            before = word


_ITEM_ENDS = frozenset(".)]:-*\u2022\u2013\u2014\u25e6\u25aa")  # which the marks of both patterns end with
_ITEM = r"\[\?\]|[(\[]?(?:\d{1,3}|\d{1,2}(?:\.\d{1,2}){1,3})[.)\]:]"
_LETTERED_ITEM = r"[(\[]?(?:[A-Za-z]|[ivxIVX]{1,4})[.)\]]|[-*\u2022\u2013\u2014\u25e6\u25aa]"


def _begins_item(word: str, *, is_first: bool, after: str) -> bool:
    """Whether a word is the mark of a list's item, first in its line or behind punctuation, or of a doubt."""
    if re.fullmatch(_ITEM, word):
        return is_first or after.rstrip(_CLOSERS)[-1:] in _ENDS | _CLAUSES | _COMMAS
    return is_first and re.fullmatch(_LETTERED_ITEM, word) is not None


def _parts(word: str, most_cells: int | None, language: str) -> Iterator[tuple[str, int | None]]:
    """A word in pieces, each with the price of the break before it, None where that is the space before the word."""
    parts = [(word, None)] if word.isascii() else list(_unspaced_parts(word, language))
    for part, price in parts:
        if most_cells is not None and (len(part) > most_cells or not is_plain(part)) and cells(part) > most_cells:
            for number, bit in enumerate(_bits(part, most_cells)):
                yield bit, price if number == 0 else BOUND
        else:
            yield part, price


def _unspaced_parts(word: str, language: str) -> Iterator[tuple[str, int | None]]:
    """What is not all ASCII: characters of CJK with their punctuation, phrases of Thai, or what a dash joins."""
    wide, piece = _wide_patterns()
    edges = phrase_edges(word, language)
    if wide.search(word):
        parts = piece.findall(word)
    elif edges is not None:
        parts = [word[low:high] for low, high in pairwise(sorted({0, *edges.sure, *edges.perhaps, len(word)}))]
    else:
        parts = re.split(_AFTER_DASH, word)
    before, place = "", 0
    for part in filter(None, parts):
        yield part, _phrase_price(_wide_price(before, part), place, edges) if before else None
        before, place = part, place + len(part)


def _phrase_price(price: int, place: int, edges: PhraseEdges | None) -> int:
    """The price of a break in text without spaces, by whether a phrase begins there, where that is known."""
    if edges is None or price <= COMMA or price == BOUND:
        return price
    if place in edges.sure:
        return min(price, ORDINARY)
    return LEANING if place in edges.perhaps else DANGLING


def _bits(text: str, most_cells: int) -> Iterator[str]:
    """`text` cut between clusters into bits of at most `most_cells`."""
    bit, size = "", 0
    for cluster in clusters(text):
        width = cells(cluster)
        if size + width > most_cells and bit:
            yield bit
            bit, size = "", 0
        bit, size = bit + cluster, size + width
    yield bit


@lru_cache(1 << 14)  # pairs of words, chosen: an hour has a third of them, and a line with a name asks again
def _price(before: str, after: str, small: SmallWords) -> int:
    """The price of a break between two words: what their punctuation says, else the words themselves."""
    bare = before.rstrip(_CLOSERS)
    key = bare.rstrip(".,").lstrip(_OPENERS).lower()
    following = after.lstrip(_OPENERS)
    price = _by_marks(before, bare, key, after, small)
    return price if price is not None else _by_words(bare, key, following, small)


def _by_marks(before: str, bare: str, key: str, after: str, small: SmallWords) -> int | None:
    """The price by the punctuation between two words, None where there is none that matters."""
    last = bare[-1:]
    if last in _ENDS or (before.endswith("…") and last != "…"):
        return _after_stop(bare, key, after.lstrip(_OPENERS))
    if after in {"-", "–", "—"}:
        return LEANING  # a dash ends a line, it does not begin one
    if last in _CLAUSES or before == "-":
        return CLAUSE
    return COMMA if last in _COMMAS or (after[:1] in "([{«“„" and key not in small.binding) else None


def _by_words(bare: str, key: str, following: str, small: SmallWords) -> int:
    """The price by two words without punctuation between them; the first rule that applies."""
    if re.fullmatch(_NUMBER, key):
        return BOUND if following[:1].islower() or following[:1] in "%°$€£" else LEANING
    if key in small.binding or key in TITLES or key in _MEASURED_OFF:
        return BOUND
    if key in small.opening:
        return DANGLING
    if following.rstrip(",.!?;:" + _CLOSERS).lower() in small.opening:
        return PHRASE
    is_name = bare[:1].isupper() and (following[:1].isupper() or following[:1].isdigit())
    return LEANING if is_name or key in small.leaning else ORDINARY


def _after_stop(bare: str, key: str, following: str) -> int:
    """The price after a word that ends like a sentence: it may be an abbreviation, an initial, or a hesitation."""
    if bare.endswith(".") and (
        key in TITLES
        or key in _ABBREVIATIONS
        or (key in _MEASURED_OFF and following[:1].isdigit())
        or (len(key) == 1 and key.isalpha() and bare[:1].isupper())
    ):
        return BOUND
    return CLAUSE if following[:1].islower() else SENTENCE


def _wide_price(before: str, after: str) -> int:
    """The price of a break inside text that has no spaces."""
    last = before.rstrip("」』）】〉》〕")[-1:] or before[-1:]
    if re.fullmatch(_WIDE_ITEM, before):
        return BOUND
    for marks, price in ((_ENDS, SENTENCE), (_COMMAS, COMMA), (_CLAUSES, CLAUSE)):
        if last in marks:
            return price
    if re.match(_HIRAGANA, last) and not re.match(_HIRAGANA, after):
        return PHRASE  # a particle or an ending, and then a new word: the usual place in Japanese
    joined = last in NO_BREAK_SPACES or after[:1] in NO_BREAK_SPACES
    katakana = "\u30a1" <= last <= "\u30ff" and "\u30a1" <= after[:1] <= "\u30ff"
    if joined or katakana:
        return BOUND
    return DANGLING if re.match(_HIRAGANA, after) else LEANING  # a character and its ending
