"""Chunks that go on with one another by their bytes (`cut_seams`) -> rows, put in order as one chunk each."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import combinations, islice, pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .cut_seams import WholeSeams
from .ordering import Order, order_chunks
from .recorders import Chain
from .sequence import moved
from .survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ..model import ChunkRef
    from .chunk_clocks import Handed
    from .manifest import Noted
    from .recorders import IsNoted
    from .survey import ChunkSurvey

    Row = list[ChunkSurvey]

_MOST_ROWS, _NEAR = 64, 4  # rows of chunks; chosen: among more, those near to one another alone are compared
_MOST_TRIES = 500  # chosen: other orders of the chunks between two rows; they bound the time that it takes
_MOST_BYTES = 64 << 20  # of a row; chosen: it is held in memory, and is an hour at 128 kbit/s


class CutRows:
    """The chunks of a part, those as one that were cut from one row, under numbers without theirs."""

    def __init__(self, chunks: Sequence[ChunkSurvey], read: Callable[[ChunkRef], bytes], mime_type: str) -> None:
        self._chunks = chunks
        self._read, self._mime_type = read, mime_type
        self._rows = _rows(chunks)
        self._removed = sorted(one.chunk.seq for row in self._rows for one in row[1:])
        self._members: dict[ChunkRef, Row] = {}

    def ordered(self, noted: Noted, missing: Sequence[int], handed: Handed) -> Order:
        """The order of the chunks (see `order_chunks`)."""
        if not self._removed:
            return order_chunks(self._chunks, noted.knows, noted.lists, missing, handed)
        surveys = [self._survey(row) for row in self._rows]
        is_noted, is_listed = self._all_of(noted.knows), self._all_of(noted.lists)
        order = order_chunks(surveys, is_noted, is_listed, self._numbers(missing), self._handed(handed))
        chains = [Chain(self._apart(chain.chunks)) for chain in order.chains]
        for chain in chains:
            chain.moved = moved([one.chunk for one in chain.chunks])
        return Order(chains, self._apart(order.foreign))

    def _survey(self, row: Row) -> ChunkSurvey:
        first = row[0]
        chunk = replace(first.chunk, seq=self._number(first.chunk.seq))
        self._members[chunk] = row
        if len(row) == 1:
            return replace(first, chunk=chunk)
        found = survey(chunk, b"".join(self._read(one.chunk) for one in row), self._mime_type, first.track)
        found.chunks = len(row)
        return found

    def _number(self, number: int) -> int:
        return number - bisect_left(self._removed, number)

    def _numbers(self, numbers: Iterable[int]) -> list[int]:
        """Numbers of the part as those among the rows; what is within a row is none."""
        return sorted({*self._numbered(numbers)} - {chunk.seq for chunk in self._members})

    def _numbered(self, numbers: Iterable[int]) -> list[int]:
        return sorted({self._number(one) for one in numbers})

    def _all_of(self, predicate: IsNoted) -> IsNoted:
        return lambda one: all(map(predicate, self._members[one.chunk]))

    def _handed(self, handed: Handed) -> Handed:
        """When rows were handed over: when their last chunks were."""
        first = {chunk: row[0].chunk for chunk, row in self._members.items()}
        last = {chunk: row[-1].chunk for chunk, row in self._members.items()}
        return replace(
            handed,
            at_ms={row: handed.at_ms[one] for row, one in last.items() if one in handed.at_ms},
            sure={row for row, one in last.items() if one in handed.sure},
            listed=self._numbered(handed.listed),
            numbers={row: self._number(handed.numbers[one]) for row, one in first.items() if one in handed.numbers},
        )

    def _apart(self, surveys: Sequence[ChunkSurvey]) -> Row:
        """The chunks of rows, with the clock that was believed where a row is a single one.

        Those of others follow one another by their bytes.
        """
        rows = [(one, self._members[one.chunk]) for one in surveys]
        for _, row in rows:
            for before, one in pairwise(row):
                one.follows = before.chunk
        return [member for one, row in rows for member in (row if len(row) > 1 else [replace(one, chunk=row[0].chunk)])]


def _rows(chunks: Sequence[ChunkSurvey]) -> list[Row]:
    """The chunks in the rows that they were cut from, by their numbers and then by how the rows' ends fit."""
    seams = WholeSeams(chunks)
    rows = [part for row in seams.rows for part in _short_enough(row)]
    if seams.decide:
        while _join_pairs(rows, seams) or _join_through(rows, seams):
            pass
    known = {one.chunk for row in rows for one in row}
    rows += [[one] for one in chunks if one.chunk not in known]
    return sorted(rows, key=lambda row: row[0].chunk.seq)


def _short_enough(row: Row) -> Iterator[Row]:
    start = passed = 0
    for at, one in enumerate(row):
        passed += one.size_bytes
        if passed > _MOST_BYTES and at > start:
            yield row[start:at]
            start, passed = at, one.size_bytes
    yield row[start:]


def _fit_in_memory(*rows: Row) -> bool:
    return sum(one.size_bytes for row in rows for one in row) <= _MOST_BYTES


def _join_pairs(rows: list[Row], seams: WholeSeams) -> bool:
    """Join rows of which the one goes on with the other, and neither with any else; whether there were any."""
    near = len(rows) if len(rows) <= _MOST_ROWS else _NEAR
    fitting = [
        (a, b)
        for a in range(len(rows))
        for b in range(max(0, a - near), min(len(rows), a + near + 1))
        if a != b and (len(rows[b]) > 1 or rows[b][0].digests) and seams.goes_on(rows[a], rows[b])
    ]
    fitting = [pair for pair in fitting if not _is_by_chance(rows, *pair, seams)]
    times = Counter(("before", a) for a, _ in fitting) + Counter(("after", b) for _, b in fitting)
    joined: set[int] = set()
    for a, b in fitting:
        is_only = times["before", a] == times["after", b] == 1
        if is_only and not {a, b} & joined and _fit_in_memory(rows[a], rows[b]):
            joined |= {a, b}
            rows[a] += rows[b]
            rows[b] = []
    rows[:] = [row for row in rows if row]
    return bool(joined)


def _is_by_chance(rows: Sequence[Row], a: int, b: int, seams: WholeSeams) -> bool:
    """Whether a row fits elsewhere by times within a cluster alone, which recur in each, and may be in its own place.

    What was recorded there fits what follows as well.
    """
    if b == a + 1 or seams.is_cut(rows[a], rows[b]) or not seams.is_in_cluster(rows[a], rows[b]):
        return False
    if b and rows[b - 1][-1].digests and not seams.may_follow(rows[b - 1], rows[b]):
        return False
    return a + 1 == len(rows) or not seams.goes_on([*rows[a], *rows[b]], rows[a + 1])


def _join_through(rows: list[Row], seams: WholeSeams) -> bool:
    """Join two rows through chunks in which nothing is read by themselves; whether there were such.

    Of those between them by their numbers one may be foreign, and one that belongs there may be elsewhere.
    """
    loose = [row[0] for row in rows if len(row) == 1 and not (row[0].digests or row[0].has_header)]
    read = [row for row in rows if len(row) > 1 or row[0].digests or row[0].has_header]
    for at, before in enumerate(read if loose else ()):
        for after in read[at + 1 : at + 1 + _NEAR]:
            if after[0].has_header:
                break
            between = [one for one in loose if before[-1].chunk.seq < one.chunk.seq < after[0].chunk.seq]
            tries = islice(_others(between, [one for one in loose if one not in between]), _MOST_TRIES)
            proved = [its for its in tries if seams.goes_on(before, [*its, *after])]
            if len(proved) == 1 and _fit_in_memory(before, after):
                before += [*proved[0], *after]
                taken = {one.chunk for one in (*proved[0], *after)}
                rows[:] = [row for row in rows if row[0].chunk not in taken]
                return True
    return False


def _others(between: Row, elsewhere: Row) -> Iterator[Row]:
    """Chunks between two rows: all of them, all but one, with one from elsewhere or that in the place of one.

    Or two of them are exchanged.
    """
    yield from ([between] if between else [])
    yield from (between[:at] + between[at + 1 :] for at in range(len(between)) if len(between) > 1)
    for one in elsewhere:
        yield from ([*between[:at], one, *between[at:]] for at in range(len(between) + 1))
        yield from ([*between[:at], one, *between[at + 1 :]] for at in range(len(between)))
    for a, b in combinations(range(len(between)), 2):
        yield [*between[:a], between[b], *between[a + 1 : b], between[a], *between[b + 1 :]]
