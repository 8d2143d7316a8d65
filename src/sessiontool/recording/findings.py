"""The findings about chunks: what each says, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..media.packets import OTHER_SAMPLES, PICTURES
from ..model import ChunkRef, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ..audio.odd_samples import OddStretch
    from ..documents.models import ChunkEntry, PartEntry
    from .records import Stretch
    from .runs import Aside
    from .slice_values import SliceTally

_MOST_STRETCHES = 20  # findings of one chunk; chosen: more are summed up
_MOST_NAMED = 5  # numbers in one message; chosen
_LOST_HINT = "look for it where the uploads come from; put in its place, the next merge will use it"
_CLOCK_HINT = "note `emitted_ms` of each chunk in session.json, or a part with `start_ms` for each slice"
_CONVERT_HINT = "make it what the others are, and put it in its place: ffmpeg -i CHUNK -ar RATE -ac CHANNELS OUT.wav"
_NUMBER_HINT = "give each MediaRecorder run a part of its own, and number its blobs as they come"


def about(chunk: ChunkRef, code: str, severity: Severity, message: str, hint: str, at: int | None = None) -> Finding:
    """A finding about one chunk; `at` is an offset in it."""
    return Finding(code, severity, message, part=chunk.part, seq=chunk.seq, byte_offset=at, hint=hint)


# -- chunks that are not there


def missing(part: str, seqs: Sequence[int]) -> Finding:
    which = f"chunk {seqs[0]} is" if len(seqs) == 1 else f"chunks {seqs[0]} to {seqs[-1]} ({len(seqs)}) are"
    return Finding("chunk-missing", "error", f"{which} missing", part=part, seq=seqs[0], hint=_LOST_HINT)


def unnumbered(chunk: ChunkRef, lost_ms: float) -> Finding:
    """Lost chunks that the numbers do not show."""
    message = f"{lost_ms / 1000:.2f} s of sound before chunk {chunk.seq} were never stored, though the numbers go on"
    return about(chunk, "chunk-missing", "error", message, _LOST_HINT)


def maybe_unnumbered(chunk: ChunkRef, gap_ms: float) -> Finding:
    """A gap between chunks that may be dropped sound as well as lost chunks."""
    message = (
        f"{gap_ms / 1000:.2f} s without sound right before chunk {chunk.seq} are as long as chunks of this part are"
    )
    message += ": the browser dropped that sound, or a chunk was never stored, though the numbers go on"
    return about(chunk, "chunk-missing", "warning", message, _LOST_HINT)


def unstored_end(chunk: ChunkRef, lost_ms: float) -> Finding:
    """Sound after the last chunk that is known, by when the recorder was stopped."""
    message = (
        f"the sound ends {lost_ms / 1000:.2f} s before `stop_ms`: what came after chunk {chunk.seq} was never stored"
    )
    hint = (
        f"{_LOST_HINT}; where the recorder had ended by itself or the computer slept, correct `stop_ms` in session.json"
    )
    return replace(about(chunk, "chunk-missing", "error", message, hint), lost_ms=lost_ms)


def numbers_skipped(part: str, seqs: Sequence[int]) -> Finding:
    named = ", ".join(map(str, seqs[:_MOST_NAMED])) + (", …" if len(seqs) > _MOST_NAMED else "")
    message = f"{len(seqs)} chunk number(s) were not used ({named}); the sound goes on without a gap there"
    return Finding("numbers-skipped", "info", message, part=part, seq=seqs[0], hint="nothing is missing")


def suspended(chunk: ChunkRef, stood_ms: float, *, where: str) -> Finding:
    message = f"the recorder was suspended for {stood_ms / 1000:.2f} s {where} chunk {chunk.seq}: nothing was recorded"
    hint = "the computer slept or the browser was stopped; nothing was lost on the way to the store"
    return about(chunk, "recorder-suspended", "info", message, hint)


def empty(part: str, chunks: Sequence[ChunkRef], lost: Collection[ChunkRef] = ()) -> Iterator[Finding]:
    """Chunks that are empty; those that are `lost` should have held something."""
    yield from (unreadable(chunk, "it is empty, and others have a header at least") for chunk in lost)
    if harmless := [chunk.seq for chunk in chunks if chunk not in lost]:
        message = f"{len(harmless)} chunk(s) are empty, chunk {harmless[0]} for one"
        hint = "recorders hand over empty blobs at times; nothing is missing if the sound goes on without a gap"
        yield Finding("chunks-empty", "info", message, part=part, seq=harmless[0], hint=hint)


# -- recordings in slices


def slices(part: str, tally: SliceTally) -> Iterator[Finding]:
    """What a recording in slices was: one finding, and one more where they overlap."""
    sure = not tally.unclocked
    where = "" if tally.unclocked < tally.slices else ", and no start of any was noted"
    message = (
        f"{tally.slices} complete files, one a slice, are joined on one clock{where}; "
        f"{tally.filled_ms / 1000:.2f} s between them are filled"
        + (f", {tally.lost} slice(s) are missing" if tally.lost else "")
    )
    hint = "record with `start(timeslice)` and without `stop()`: each restart costs some sound" if sure else _CLOCK_HINT
    yield Finding("recording-in-slices", "info" if sure else "warning", message, part=part, hint=hint)
    if tally.overlaps:
        compared = f"the sound was compared at {tally.compared} seam(s)" if tally.compared else "by their noted times"
        message = (
            f"{tally.overlaps} slice(s) begin before the one before has ended: {tally.trimmed_ms / 1000:.2f} s that "
            f"were recorded twice are joined once, {compared}"
        )
        hint = "what is left out is in no result: purge keeps these chunks"
        yield Finding("slices-overlap", "warning", message, part=part, hint=hint)


# -- chunks that are there twice, or in another place


def duplicate(chunk: ChunkRef, first: ChunkRef, count: int = 1) -> Finding:
    """A copy of one chunk, or of so many that follow one another from the first on."""
    more = f" and {count - 1} more that follow it" if count > 1 else ""
    message = f"chunk {chunk.seq} ({chunk.object.key}) is there already as {first.object.key}{more}; it is left out"
    return about(chunk, "chunk-duplicate", "warning", message, "nothing is lost by it")


def near_duplicate(chunk: ChunkRef, base: ChunkRef, used_bytes: int, own_packets: int) -> Finding:
    """A copy that is left out; with `own_packets`, sound that no chunk that is joined has is left out with it."""
    what = f"{used_bytes:,} bytes of it mend that one, the rest is" if used_bytes else "it is"
    key, other = chunk.object.key, base.object.key
    if own_packets:
        message = (
            f"chunk {chunk.seq} ({key}) has packets of {other}, and {own_packets} that no other has; {what} left out"
        )
        hint = "it is more than a copy: take from it what the other one has, and merge again"
        return about(chunk, "chunk-near-duplicate", "error", message, hint)
    message = f"chunk {chunk.seq} ({key}) is a copy of {other} with other damage; {what} left out"
    return about(chunk, "chunk-near-duplicate", "warning", message, "compare the two and delete the worse one")


def beginning_repeated(part: str, chunks: Sequence[ChunkRef], size_bytes: int, first: ChunkRef) -> Finding:
    count = f"{len(chunks)} chunks begin" if len(chunks) > 1 else f"chunk {chunks[0].seq} begins"
    message = (
        f"{count} with bytes of chunk {first.seq} once more: "
        f"{size_bytes:,} bytes in all, set aside as upload wrapping; they are joined once"
    )
    hint = "upload each Blob as it is: the chunks are one recording, and need no header before each"
    return Finding("upload-unwrapped", "warning", message, part=part, seq=chunks[0].seq, hint=hint)


def padded(part: str, chunks: Sequence[ChunkRef], size_bytes: int) -> Finding:
    count = f"{len(chunks)} chunks have" if len(chunks) > 1 else f"chunk {chunks[0].seq} has"
    message = (
        f"{count} zeroes or line ends behind the recorder's bytes ({size_bytes:,} bytes in all): they are set aside"
    )
    hint = "nothing is lost by it; an upload in blocks, or as text, puts them there"
    return Finding("chunk-padded", "info", message, part=part, seq=chunks[0].seq, hint=hint)


def overlap(chunk: ChunkRef, other: ChunkRef, count: int, *, at_start: bool) -> Finding:
    where = "begins with" if at_start else "ends with"
    message = f"chunk {chunk.seq} {where} {count:,} bytes that are in chunk {other.seq} too; they are joined once"
    return about(chunk, "chunk-overlap", "warning", message, "nothing is lost by it; an upload was resumed too early")


def out_of_order(chunk: ChunkRef, *, by: str = "its timestamps decide") -> Finding:
    message = f"chunk {chunk.seq} was recorded at another place than its number says; {by}"
    return about(chunk, "chunk-out-of-order", "warning", message, _NUMBER_HINT)


def numbers_moved(chunks: Sequence[ChunkRef], first: int) -> Finding:
    """Chunks whose numbers differ from the noted ones; the first of them was noted as `first`."""
    which = (
        f"chunk {chunks[0].seq} is" if len(chunks) == 1 else f"{len(chunks)} chunks from chunk {chunks[0].seq} on are"
    )
    message = (
        f"{which} not what session.json lists under that number: the first is its number {first}, by what is noted"
    )
    hint = "a number was given twice, or that of a lost chunk to the next one; each was put where it is listed"
    return about(chunks[0], "numbers-moved", "info", message, hint)


def noted_restart(chunk: ChunkRef, part: str) -> Finding:
    """The chunk is the first of a run that was noted, and is in the folder of another."""
    message = f"a recorder was started again in chunk {chunk.seq}, as was noted; what it recorded is part {chunk.part}"
    return Finding("recorder-restarted", "info", message, part=part, seq=chunk.seq, hint=_NUMBER_HINT)


def part_start_unknown(part: str) -> Finding:
    """Of a run that was not noted, among others that were."""
    message = f"no start_ms of part {part} was recorded: where it belongs between the others is not known"
    return Finding("part-start-unknown", "warning", message, part=part, hint="note each recorder run in session.json")


def noted_in_pieces(chunk: ChunkRef, entry: PartEntry) -> Finding:
    """The chunks of a part, of which this is the first, are the noted blobs cut or joined."""
    message = f"the chunks of part {chunk.part} are other pieces than session.json lists: their sizes add up to those"
    hint = "store each blob as one object"
    if any(one.sha256 for one in entry.chunks):
        message += "; the hashes of whole blobs were not compared"
        return Finding("noted-in-pieces", "warning", message, part=chunk.part, hint=hint)
    return Finding("noted-in-pieces", "info", message, part=chunk.part, hint=hint)


def sound_jumps(chunk: ChunkRef) -> Finding:
    message = f"chunk {chunk.seq} does not go on with the one before: the sound jumps there, and nothing shows why"
    hint = "chunks may have changed places, or one may be of another recording: listen there, and note sha256 of each"
    return about(chunk, "sound-jumps", "warning", message, hint)


def odd_samples(chunk: ChunkRef, odd: Sequence[OddStretch], rate_hz: int) -> Finding:
    first = odd[0]
    more = f", and {len(odd) - 1} more like it" if len(odd) > 1 else ""
    length_ms, at_s = (first.stop - first.start) * 1000 / rate_hz, first.start / rate_hz
    message = f"{length_ms:.1f} ms in chunk {chunk.seq}, {at_s:.3f} s from its beginning, are {first.what} that cut "
    message += f"into the sound{more}"
    hint = "bytes were overwritten, or the recorder dropped sound: listen there, and note sha256 of each chunk"
    return about(chunk, "samples-odd", "warning", message, hint)


def foreign(chunk: ChunkRef, name: str | None) -> Finding:
    what = f"that is joined as part {name}, after this one" if name else "it is not joined"
    message = f"chunk {chunk.seq} is of another recording; {what}"
    whose = "find out whether another session or an earlier run of this page recorded it"
    hint = _NUMBER_HINT if name else f"{whose}; it is kept where it is, and purge will not delete it"
    return about(chunk, "chunk-foreign", "warning", message, hint)


def of_other_part(chunk: ChunkRef, own: ChunkRef, why: str) -> Finding:
    message = f"chunk {chunk.seq} is chunk {own.seq} of part {own.part}, where it is joined: {why}"
    hint = "put the number of the part into the key when the recorder hands the blob over, not when it is uploaded"
    return about(chunk, "chunk-of-other-part", "warning", message, hint)


def restarted(chunk: ChunkRef, name: str) -> Finding:
    message = f"a recorder was started again in chunk {chunk.seq}; what it recorded is joined as part {name}"
    return about(chunk, "recorder-restarted", "warning", message, _NUMBER_HINT)


def overwritten(chunk: ChunkRef, name: str) -> Finding:
    """The chunk is the first that is left of a run whose first chunks a later one overwrote."""
    message = f"from chunk {chunk.seq} on is what is left of an earlier run, whose first chunks a later one wrote over"
    hint = f"it is joined before that one, as part {name}; give each MediaRecorder run a part of its own"
    return about(chunk, "recorder-restarted", "warning", message, hint)


# -- chunks that are not what they should be


def unlike_manifest(chunk: ChunkRef, size: int, sha256: str, noted: ChunkEntry | None) -> Finding | None:
    """What differs between a chunk and what the recorder noted of it; None where nothing does."""
    if noted is None:
        return None
    if noted.bytes is not None and noted.bytes != size:
        code, what = ("chunk-truncated", "short") if size < noted.bytes else ("chunk-size", "too long")
        message = f"chunk {chunk.seq} is {abs(noted.bytes - size):,} bytes {what}: {size:,} instead of {noted.bytes:,}"
    elif noted.sha256 and noted.sha256.lower() != sha256:
        code, message = "chunk-altered", f"chunk {chunk.seq} is not what the recorder sent: its SHA-256 differs"
    else:
        return None
    return about(chunk, code, "error", message, _LOST_HINT)


def bit_mended(chunk: ChunkRef, at: int) -> Finding:
    message = f"one bit of chunk {chunk.seq} was wrong and is put right: so its SHA-256 is the one that was noted"
    return about(chunk, "bit-mended", "warning", message, _LOST_HINT, at)


def unreadable(chunk: ChunkRef, why: str, hint: str = _LOST_HINT) -> Finding:
    return about(chunk, "chunk-unreadable", "error", f"chunk {chunk.seq} cannot be read: {why}", hint)


def damaged(chunk: ChunkRef, stretches: Sequence[Stretch], size_bytes: int) -> Iterator[Finding]:
    """Bytes of a chunk that are of no use; of many places the first ones singly."""
    total = sum(stretch.size_bytes for stretch in stretches)
    if len(stretches) == 1 and stretches[0].byte_offset + total == size_bytes and "cut" in stretches[0].reason:
        message = f"chunk {chunk.seq} ends inside a packet: its last {total:,} bytes are of no use"
        hint = "the browser was killed or the upload was cut; what came before is kept"
        yield about(chunk, "chunk-truncated", "warning", message, hint, stretches[0].byte_offset)
        return
    singly = stretches if len(stretches) <= _MOST_STRETCHES else stretches[: _MOST_STRETCHES - 1]
    for stretch in singly:
        what = f"{stretch.size_bytes:,} bytes of chunk {chunk.seq} are not valid ({stretch.reason}) and were skipped"
        yield about(chunk, "bytes-skipped", "error", what, _LOST_HINT, stretch.byte_offset)
    if rest := stretches[len(singly) :]:
        count = sum(stretch.size_bytes for stretch in rest)
        what = f"{count:,} bytes in {len(rest):,} more places of chunk {chunk.seq} are not valid and were skipped"
        yield about(chunk, "bytes-skipped", "error", what, _LOST_HINT, rest[0].byte_offset)


def clock_wrong(chunk: ChunkRef, off_ms: float) -> Finding:
    direction = "late" if off_ms > 0 else "early"
    message = (
        f"a timestamp in chunk {chunk.seq} is {abs(off_ms) / 1000:.2f} s too {direction}: "
        "the packets before and after it decide"
    )
    return about(
        chunk, "cluster-time-wrong", "warning", message, "nothing is lost by it; a bit of the chunk is damaged"
    )


def clock_ran_back(chunk: ChunkRef, back_ms: float) -> Finding:
    message = (
        f"the recorder's clock runs back by {back_ms / 1000:.2f} s before or in chunk {chunk.seq}; "
        "the sound goes on there without a gap"
    )
    hint = "packets of another recording may be among these, or sound is there twice: listen there"
    return about(chunk, "clock-jump", "warning", message, hint)


def not_joined(reason: str, asides: Sequence[Aside]) -> Iterator[Finding]:
    """What of a recorder run is set aside for a reason: samples of another format are sound that is lost."""
    if reason == OTHER_SAMPLES:
        chunks = dict.fromkeys(one.chunk for one in asides)
        yield from (unreadable(chunk, f"{reason} than the first one's", _CONVERT_HINT) for chunk in chunks)
    else:
        yield _second_track(reason, asides)


def _second_track(reason: str, asides: Sequence[Aside]) -> Finding:
    """Pictures that come with the sound are as they should be."""
    size_bytes, first = sum(one.stretch.size_bytes for one in asides), asides[0].chunk
    chunks = len({one.chunk for one in asides})
    message = f"{size_bytes:,} bytes in {chunks} chunk(s) are not joined: {reason}"
    if reason == PICTURES:
        return about(first, "second-track", "info", message, "the sound is joined; purge keeps chunks with pictures")
    return about(
        first, "second-track", "warning", message, "one track is joined; record both voices into one stereo track"
    )
