"""Chunks that go on with one another by their bytes (`cut_seams`) -> rows, put in order as one chunk each."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .ordering import Order, order_chunks
from .recorders import Chain
from .sequence import moved
from .survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..model import ChunkRef
    from .chunk_clocks import Handed
    from .cut_seams import WholeSeams
    from .manifest import Noted
    from .recorders import IsNoted
    from .survey import ChunkSurvey

    Row = list[ChunkSurvey]

_MOST_ENDS = 12  # rows; chosen: of more, the numbers of their ends alone say which may go on with one another
_MOST_BYTES = 64 << 20  # of a row; chosen: it is held in memory, and is an hour at 128 kbit/s


class CutRows:
    """The chunks of a part, those as one that were cut from one row, under numbers without theirs."""

    def __init__(
        self, chunks: Sequence[ChunkSurvey], seams: WholeSeams, read: Callable[[ChunkRef], bytes], mime_type: str
    ) -> None:
        self._chunks = chunks
        self._read, self._mime_type = read, mime_type
        self._rows = _rows(chunks, seams)
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
        return survey(chunk, b"".join(self._read(one.chunk) for one in row), self._mime_type, first.track)

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
        """The chunks of rows, with the clock that was believed where a row is a single one."""
        rows = [(one, self._members[one.chunk]) for one in surveys]
        return [member for one, row in rows for member in (row if len(row) > 1 else [replace(one, chunk=row[0].chunk)])]


def _rows(chunks: Sequence[ChunkSurvey], seams: WholeSeams) -> list[Row]:
    """The chunks in the rows that they were cut from, by their numbers and then by how the rows' ends fit."""
    rows: list[Row] = []
    for one in sorted(chunks, key=lambda one: one.chunk.seq):
        row = rows[-1] if rows else []
        if row and seams.followed_by.get(row[-1].chunk) == one.chunk and _bytes([*row, one]) <= _MOST_BYTES:
            row.append(one)
        else:
            rows.append([one])
    if not seams.decide:
        return rows
    while pair := _only_pair(rows, seams):
        before, after = pair
        rows.remove(after)
        before += after
    return rows


def _bytes(row: Row) -> int:
    return sum(one.size_bytes for one in row)


def _only_pair(rows: list[Row], seams: WholeSeams) -> tuple[Row, Row] | None:
    """Two rows of which the one goes on with the other, and neither with any else; None where there are none."""
    ends = [row for row in rows if row[-1].digests]
    begins = [row for row in rows if row[0].digests and not (row[0].has_header or row[0].follows)]
    if len(ends) > _MOST_ENDS or len(begins) > _MOST_ENDS:
        return None
    fitting = [
        (a, b)
        for a in ends
        for b in begins
        if a is not b and _bytes([*a, *b]) <= _MOST_BYTES and seams.goes_on(a, b, is_next=False)
    ]
    for a, b in fitting:
        if sum(one is a for one, _ in fitting) == 1 and sum(one is b for _, one in fitting) == 1:
            return a, b
    return None
