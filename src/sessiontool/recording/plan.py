"""How a part is to be joined whose chunks are not plainly one recording in order: its recorder runs, piece by piece.

Every byte of every chunk is in a piece of a run, or set aside or damaged with a reason.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import RecordingError
from ..media.packets import Account
from . import findings
from .byte_seams import goes_on
from .chunk_clocks import compare_clocks
from .copies import find_shared, packets_of_its_own
from .cut_rows import CutRows
from .cut_seams import WholeSeams
from .gap_places import Lost, cut_short, is_undated
from .manifest import Noted, started_again
from .noted_copies import add_noted_copies, mend_as_noted
from .overwritten import keep_last_one
from .pieces import cut_chunk
from .read_by_others import proved_by
from .recorders import Chain, goes_on_as_another, numbers_among
from .records import ChunkRecord, Stretch, Verdict
from .repeats import Repeats
from .runs import Aside, Piece, RecorderRun
from .sequence import missing_numbers, missing_of, places_of, rows
from .slice_clock import SliceClock
from .slices import are_slices, lost_with_header, runs_of, starts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ..model import ChunkRef, Finding
    from .ordering import Order
    from .shared_values import Shared
    from .survey import ChunkSurvey
    from .surveyed import SurveyedPart


class Plan(Struct):
    """The runs of a part in the order in which they are joined; records of the chunks that are in none of them.

    `asides` and `damage` are bytes of chunks that are in a run, and are not joined.  `digests` are the chunks' SHA-256.
    `refusal` says why none of them can be used, where that is so.  All is said of chunks without what they repeat.
    `strays` do not go on with any other chunk of the part.
    """

    runs: list[RecorderRun] = field(default_factory=list)
    records: list[ChunkRecord] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    damage: list[Aside] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    altered: set[ChunkRef] = field(default_factory=set)
    digests: dict[ChunkRef, str] = field(default_factory=dict)
    refusal: RecordingError | None = None
    repeats: Repeats = field(default_factory=Repeats)
    strays: list[ChunkSurvey] = field(default_factory=list)


def plan_part(part: str, surveyed: SurveyedPart, starts_ms: Mapping[int, float] | None = None) -> Plan:
    """Decide what becomes of each chunk of a part; `starts_ms` are noted starts of slices."""
    planner = _Planner(part, surveyed, starts_ms or {})
    try:
        plan = planner.plan(surveyed.read)
    except RecordingError as error:
        plan = Plan(refusal=error)
    plan.digests, plan.repeats = surveyed.digests, surveyed.repeats
    return plan


class _Planner:
    def __init__(self, part: str, surveyed: SurveyedPart, starts_ms: Mapping[int, float]) -> None:
        self._starts_ms, self._repeats = starts_ms, surveyed.repeats
        self._part = part
        self._entry = surveyed.entry
        self._surveys = surveyed.surveys
        self._by_chunk = {one.chunk: one for one in self._surveys}
        self._sizes = {one.chunk: one.size_bytes for one in self._surveys}
        self._noted = Noted(self._entry)
        there = surveyed.repeats.covered
        self._missing = [number for number in missing_numbers(surveyed.listed, self._entry) if number not in there]
        self._unusable: list[int] = []
        self._empty: list[ChunkRef] = []
        self._plan = Plan(altered={*surveyed.mended})

    def plan(self, read: Callable[[ChunkRef], bytes]) -> Plan:
        usable = self._without_empty([one for one in self._surveys if not self._is_useless(one)])
        if not any(one.digests for one in usable):
            self._refuse(usable)
        self._noted.saw(usable)
        compared = [one for one in usable if one.chunk not in self._repeats.inside]
        seams = WholeSeams(compared)
        shared = find_shared(compared, self._noted.has_exactly, seams)
        add_noted_copies(shared, compared, self._noted)
        mend_as_noted(shared, self._noted, read)
        shared.add_inside(self._repeats.inside)
        self._set_copies_aside(shared)
        remaining = [shared.without_seams(one) for one in usable if one.chunk not in shared.copies]
        headless = lost_with_header(self._empty, remaining, self._entry)
        self._unusable += [chunk.seq for chunk in headless]
        self._plan.findings += findings.empty(self._part, self._empty, headless)
        if are_slices(remaining):
            self._add_slices(remaining, shared)
            return self._plan
        order = self._order(remaining, read)
        replaced = [one.chunk.seq for one in order.foreign]
        self._count_missing([*replaced, *(chunk.seq for chain in order.chains for chunk in chain.moved)])
        taken = set[int]().union(*(chain.taken for chain in order.chains))
        self._missing = [number for number in self._missing if number not in taken]
        lost = self._lost_to_foreign(order)
        self._missing, replaced = sorted({*self._missing, *lost}), [seq for seq in replaced if seq not in lost]
        self._plan.strays = order.strays(self._noted.lists)
        for one in order.foreign:
            self._set_aside(one, "foreign", Stretch(0, one.size_bytes, "of another recording"))
            self._plan.findings.append(findings.foreign(one.chunk, None))
        for index, chain in enumerate(order.chains):
            self._add_run(index, chain, order.chains, shared, replaced)
        return self._plan

    def _order(self, remaining: Sequence[ChunkSurvey], read: Callable[[ChunkRef], bytes]) -> Order:
        """The order of the chunks; those that were cut inside packets are put in order by the rows they are of."""
        handed = compare_clocks(remaining, self._noted, self._entry)
        gone = sorted([*self._missing, *self._unusable])
        foreign = [one for one in remaining if one.chunk in handed.foreign]
        own = [one for one in remaining if one.chunk not in handed.foreign]
        mime_type = (self._entry.mime_type if self._entry else None) or ""
        order = CutRows(own, read, mime_type).ordered(self._noted, gone, handed)
        order.foreign += foreign
        keep_last_one(order.chains, order.foreign, self._entry)
        return order

    def _add_slices(self, remaining: Sequence[ChunkSurvey], shared: Shared) -> None:
        """A run for each slice, by number or by the clock that runs through them."""
        clock = SliceClock(remaining, self._is_damaged)
        gone = sorted({*self._missing, *self._unusable} - {number for number, _ in clock.slices})
        starts_ms = starts_of(clock, self._entry, self._starts_ms, self._is_damaged)
        missing = (findings.missing(self._part, row) for row in rows(self._missing))
        self._plan.findings += [*missing, *clock.findings(gone)]
        for run, (_, one) in zip(runs_of(self._part, clock, self._entry, starts_ms, gone), clock.slices, strict=True):
            run.pieces = self._pieces(run, Chain([one]), shared, {})
            self._plan.runs.append(run)

    def _is_damaged(self, one: ChunkSurvey) -> bool:
        return bool(one.damages or self._noted.unlike(one)) or not one.has_header

    def _count_missing(self, misplaced: Collection[int]) -> None:
        """Count the missing numbers anew, without those of chunks that say nothing of how many there were."""
        present = {one.chunk.seq for one in self._surveys}
        steady = [one.chunk for one in self._surveys if one.chunk.seq not in misplaced]
        there = present | self._repeats.covered
        self._missing = [number for number in missing_numbers(steady, self._entry) if number not in there]

    def _lost_to_foreign(self, order: Order) -> set[int]:
        """The numbers of noted chunks in whose place there is one of another recording, and that are nowhere else."""
        own = [one for chain in order.chains for one in chain.chunks]
        there = {one.chunk.seq for one in own} | {self._noted.number_of(one) for one in own}
        return {one.chunk.seq for one in order.foreign if self._noted.unlike(one)} - there

    def _refuse(self, usable: Sequence[ChunkSurvey]) -> None:
        """RecordingError, where nothing says that what is there may be read as one stream all the same."""
        for one in self._surveys:
            if one.refusal:
                raise RecordingError(f"{one.chunk.object.key}: {one.refusal.message}", hint=one.refusal.hint)
        if usable:
            return
        first = next((one for one in self._surveys if one.what), None)
        why = f"{first.chunk.object.key} is {first.what}" if first else "all chunks are empty"
        raise RecordingError(why, hint="see what is there with `sessiontool inspect`")

    # -- chunks that are not joined

    def _is_useless(self, one: ChunkSurvey) -> bool:
        if not one.is_useless:
            return False
        self._unusable.append(one.chunk.seq)
        self._plan.findings.append(findings.unreadable(one.chunk, one.what))
        stretch = Stretch(0, one.size_bytes, one.what)
        account = Account(one.size_bytes, damaged_bytes=one.size_bytes)
        self._plan.records.append(ChunkRecord(one.chunk, one.sha256, "damaged", account=account, damage=[stretch]))
        return True

    def _without_empty(self, surveys: Sequence[ChunkSurvey]) -> list[ChunkSurvey]:
        """The chunks that hold bytes; of the others those are named that the recorder noted to be larger."""
        for one in (one for one in surveys if not one.size_bytes):
            self._plan.records.append(ChunkRecord(one.chunk, one.sha256, "empty"))
            if finding := self._noted.unlike(one):
                self._plan.findings.append(finding)
                self._unusable.append(one.chunk.seq)
            else:
                self._empty.append(one.chunk)
        return [one for one in surveys if one.size_bytes]

    def _set_aside(self, one: ChunkSurvey, verdict: Verdict, *stretches: Stretch) -> None:
        account = Account(one.size_bytes, set_aside_bytes=sum(stretch.size_bytes for stretch in stretches))
        self._plan.records.append(ChunkRecord(one.chunk, one.sha256, verdict, account=account, set_aside=[*stretches]))

    def _set_copies_aside(self, shared: Shared) -> None:
        kept = {digest for one in self._surveys if one.chunk not in shared.copies for digest in one.digests}
        for chunk, base in shared.copies.items():
            one = self._by_chunk[chunk]
            stretches = shared.aside(one)
            self._set_aside(one, "duplicate", *stretches)
            if chunk in shared.exact:
                self._plan.findings.append(findings.duplicate(chunk, base, len(stretches)))
            else:
                used = one.size_bytes - sum(stretch.size_bytes for stretch in stretches)
                own = packets_of_its_own(one, stretches, kept)
                self._plan.findings.append(findings.near_duplicate(chunk, base, used, own))
            if chunk in shared.head_cuts:
                count, other = shared.head_cuts[chunk]
                self._plan.findings.append(findings.overlap(chunk, other, count, at_start=True))

    # -- runs

    def _add_run(
        self, index: int, chain: Chain, chains: Sequence[Chain], shared: Shared, replaced: Sequence[int]
    ) -> None:
        own = next(at for at, other in enumerate(chains) if not other.is_rest)  # what was noted is of this run
        name = self._part if index == own else f"{self._part}+{index + (index < own)}"
        first = chain.chunks[0].chunk
        lengths = [one.lasts_ms for one in chain.chunks if one.digests]
        run = RecorderRun(name, self._part, [], self._entry if index == own else None, chain.begins_with_header)
        run.chunk_ms = median(lengths) if lengths else 0.0
        run.ticks_per_ms = max((one.dialect.ticks_per_ms for one in chain.chunks if one.dialect), default=1)
        run.opener = next((one.chunk for one in chain.chunks if one.has_header or one.digests), None)
        run.track = None if chain.begins_with_header else proved_by(chain.chunks)
        if chain.is_rest:
            run.findings.append(findings.overwritten(first, name))
        elif index > own:
            behind = chain.numbers[0] > chains[index - 1].numbers[1]
            is_next = chain.chunks[0].dialect == chains[index - 1].chunks[0].dialect
            is_next = (behind and is_next) or goes_on_as_another(chains[index - 1], chain)
            run.findings.append((findings.restarted if is_next else findings.foreign)(first, name))
            run.entry = started_again(self._entry) if chain.has_header else None
            lost = [n for n in (*self._missing, *self._unusable) if chains[index - 1].numbers[1] < n < first.seq]
            run.before_ms = len(lost) * run.chunk_ms if behind else 0.0
        run.findings += [findings.out_of_order(chunk) for chunk in chain.moved]
        had_places = self._noted.chunks if index == own else {}  # what was not noted had none
        taken = [n for n in (*replaced, *numbers_among(chain, chains)) if n in had_places or not had_places]
        run.pieces = self._pieces(run, chain, shared, self._losses(run, chain, chains, index, taken))
        self._plan.runs.append(run)

    def _losses(
        self, run: RecorderRun, chain: Chain, chains: Sequence[Chain], index: int, replaced: Sequence[int]
    ) -> Mapping[int, Lost]:
        """Why bytes are missing before a chunk of a run, and how many chunks; named in the run's findings."""
        order = [one.chunk for one in chain.chunks]
        runs, high = [other.numbers for other in chains], chain.numbers[1]
        last, is_first = not any(its[0] > high for its in runs), not (index or chain.is_rest)
        own = missing_of(chain.numbers, runs, self._missing, is_first=is_first, is_last=last)
        places = {
            kind: places_of([n for n in sorted(numbers) if n < high or last], order, chain.moved, chain.goes_on_at)
            for kind, numbers in (("missing", own), ("unusable", self._unusable), ("replaced", replaced))
        }
        run.missing_after = places["missing"].get(len(order), [])
        run.unusable_after = places["unusable"].get(len(order), [])
        if run.missing_after:
            run.findings += [findings.missing(self._part, row) for row in rows(run.missing_after)]
        lost: dict[int, Lost] = {}
        skipped, taken = list[int](), chain.taken
        for position in sorted({place for found in places.values() for place in found} - {len(order)}):
            missing = places["missing"].get(position, [])
            known = sorted([*missing, *places["unusable"].get(position, [])])
            is_known = bool(known) and chain.has_room_at(position, len(known) * run.chunk_ms)
            goes_on = chain.goes_on_at(position) or (not is_known and chain.is_off_by_a_bit_at(position))
            is_short = not skipped and not taken.issuperset(known)
            goes_on = goes_on and not (is_short and is_undated(chain.chunks, position))
            between_runs = bool(index) and not position
            if missing and goes_on and not between_runs and not self._are_noted(missing):
                skipped += missing
            else:
                run.findings += [findings.missing(self._part, row) for row in rows(missing)]
            count = sum(len(found.get(position, [])) for found in places.values())
            if not goes_on:
                lost[position] = Lost(self._why(position, places), count, known)
        if skipped:
            run.findings.append(findings.numbers_skipped(self._part, skipped))
        return lost

    def _are_noted(self, numbers: Sequence[int]) -> bool:
        return any(number in self._noted.chunks for number in numbers)

    def _why(self, position: int, places: Mapping[str, Mapping[int, list[int]]]) -> str:
        numbers = [number for found in places.values() for number in found.get(position, [])]
        return f"chunk {numbers[0]} is missing or of no use" if numbers else ""

    def _pieces(self, run: RecorderRun, chain: Chain, shared: Shared, lost: Mapping[int, Lost]) -> list[Piece]:
        pieces: list[Piece] = []
        before = Lost()  # what is cut off the end of the chunk before
        for position, one in enumerate(chain.chunks):
            fresh = self._pieces_of(one, run, shared, chain.moved)
            short = self._check_manifest(one, run, moved=one.chunk in chain.moved)
            if before.why and _share_a_packet(chain.chunks[position - 1], one):
                before = Lost()  # what was noted of it is of another recording
            is_late = not (before.why or one.is_torn_at_start or one.is_torn_at_end)
            is_late = is_late and (chain.begins_late(position) or (bool(short.why) and chain.ends_whole(position)))
            if short.why and not is_late:
                run.short.add(one.chunk)
            gone = lost.get(position) or (before if before.why else self._torn(chain, position, run.chunk_ms))
            if position and one.follows == chain.chunks[position - 1].chunk:
                gone = Lost()  # what the one before has not is at the beginning of this one
            elif short.why and is_late:
                gone = gone.and_of(short)
            pieces.append(
                replace(fresh[0], lost_before=gone.why, lost_chunks=gone.chunks, lost_numbers=tuple(gone.numbers))
            )
            pieces += fresh[1:]
            cut_at_end = one.is_torn_at_end or not (is_late or one.is_torn_at_start)
            before = short if cut_at_end else Lost()
        return pieces

    def _torn(self, chain: Chain, position: int, usual_ms: float) -> Lost:
        """Why bytes are missing between two chunks that are both there, and how much of one."""
        pair = chain.chunks[max(0, position - 1) : position + 1]
        # What is damaged of whole chunks is behind the block that goes on there.
        is_whole = pair[0].ends_in_a_block or all(map(self._noted.is_whole, pair))
        goes_on = len(pair) < 2 or (pair[1].begins_in_a_block and is_whole)
        return Lost() if goes_on else chain.torn_at(position, usual_ms)

    def _pieces_of(self, one: ChunkSurvey, run: RecorderRun, shared: Shared, moved: Sequence[ChunkRef]) -> list[Piece]:
        """A chunk, less what its neighbours have too, with the stretches of copies that mend it."""
        noted_as = self._noted.number_of(one) if one.chunk in moved else None
        cut = cut_chunk(one, shared, noted_as, self._sizes)
        self._plan.asides += cut.asides
        self._plan.damage += cut.damage
        run.findings += cut.findings
        return cut.pieces

    def _check_manifest(self, one: ChunkSurvey, run: RecorderRun, *, moved: bool) -> Lost:
        """Name what differs from the recorder's list; how much of the chunk is lost, if it is short."""
        number = self._noted.number_of(one) if moved and self._noted.knows(one) else one.chunk.seq
        if (finding := self._noted.unlike(one, number)) is None:
            return Lost()
        run.findings.append(finding)
        self._plan.altered.add(one.chunk)
        return cut_short(finding.message, one, self._noted.chunks[number].bytes or 0, run.chunk_ms)


def _share_a_packet(before: ChunkSurvey, after: ChunkSurvey) -> bool:
    """Whether a packet begins in one chunk and ends in the next one, by its bytes alone."""
    if before.has_clock or after.track is None or not (before.is_torn_at_end and after.is_torn_at_start):
        return False
    return goes_on(before, after, after.track) is True
