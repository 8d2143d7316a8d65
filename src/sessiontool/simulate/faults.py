"""What goes wrong between a recorder and a store: faults by name, each at a chosen chunk, one after another.

A place names a chunk as it was recorded, counted from 0 in its part, whatever number an earlier fault gave it.
Chunks whose numbers have to move take what the recorder noted of them along, as a recorder that numbers its uploads
would.

Not here: what all this means for the packets (`truth`), and any file.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .recorders import SimulatedRun


class FaultNotes(Struct, frozen=True):
    """What session.json says of a chunk."""

    bytes: int
    sha256: str
    emitted_ms: float


class Upload(Struct, eq=False):
    """A blob on its way into the store: blob `index` of the part's run `run`, in the end under number `seq`.

    `number` is the one it was recorded under, None for a foreign blob and a second copy.  `data` begins where the blob
    begins in its run's bytes; `altered` are ranges of `data` that the recorder did not write.  What is not `stored`
    never arrived.  `noted` is None where session.json does not know of it.
    """

    run: int
    index: int
    number: int | None
    seq: int
    data: bytes
    noted: FaultNotes | None
    stored: bool = True
    altered: list[tuple[int, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    short_name: bool = False

    @property
    def name(self) -> str:
        return f"{self.seq if self.short_name else f'{self.seq:06d}'}.webm"


class Part(Struct):
    """One part on its way into the store.  `runs[0]` is the part's own recorder.

    `record_again(blob)` gives the run of the same recorder started anew where blob `blob` began,
    `record_elsewhere()` that of another.
    """

    runs: list[SimulatedRun]
    uploads: list[Upload]
    record_again: Callable[[int], SimulatedRun]
    record_elsewhere: Callable[[], SimulatedRun]
    stop_noted: bool = True

    def find(self, index: int) -> Upload:
        """The part's chunk `index` as it is now; a negative one counts from the last (UsageError)."""
        count = max((upload.number for upload in self.uploads if upload.number is not None), default=-1) + 1
        wanted = index + count if index < 0 else index
        found = next((upload for upload in self.uploads if upload.number == wanted and upload.stored), None)
        if found is None:
            raise UsageError(
                f"there is no chunk {index} for a fault (any more)",
                hint=f"there were {count}, counted from 0; choose another place, or fewer faults",
            )
        return found

    def insert(self, upload: Upload) -> None:
        """Put `upload` in at its number; those from there on move up by one."""
        for other in self.uploads:
            other.seq += other.seq >= upload.seq
        self.uploads.append(upload)


def uploads_of(run: SimulatedRun, number: int, first: int = 0) -> list[Upload]:
    """The blobs of the part's run `number` as they are when nothing goes wrong, numbered from `first` on."""
    return [
        Upload(number, index, first + index, first + index, blob.data, _note(blob.data, blob.emitted_ms))
        for index, blob in enumerate(run.blobs)
    ]


def _note(data: bytes, emitted_ms: float) -> FaultNotes:
    return FaultNotes(len(data), hashlib.sha256(data).hexdigest(), emitted_ms)


class FaultPlace(Struct, frozen=True):
    """Where a fault happens, as far as the caller chose: `rng` chooses the rest."""

    chunk: int | None
    arguments: tuple[str, ...]
    rng: Random

    def upload(self, part: Part) -> Upload:
        """The chosen chunk, or one that is neither the first nor the last where there are so many."""
        if self.chunk is not None:
            return part.find(self.chunk)
        own = [upload for upload in part.uploads if upload.number is not None and upload.stored]
        return self.rng.choice(own[1:-1] or own or [part.find(0)])

    def number(self, position: int, default: int) -> int:
        return int(self.arguments[position]) if position < len(self.arguments) else default

    def bytes(self, position: int, whole: int, default: int) -> int:
        """An argument that is a count of bytes (`1024`), all but some (`-1`), or a share of the whole (`0.5`)."""
        if position >= len(self.arguments):
            return default
        text = self.arguments[position]
        count = round(float(text) * whole) if "." in text else int(text)
        return min(whole, max(0, count if count >= 0 else whole + count))


def _missing(part: Part, place: FaultPlace) -> list[Upload]:
    upload = place.upload(part)
    upload.stored = False
    return [upload]


def _missing_first(part: Part, place: FaultPlace) -> list[Upload]:
    return _missing(part, replace(place, chunk=0))


def _missing_last(part: Part, place: FaultPlace) -> list[Upload]:
    return _missing(part, replace(place, chunk=-1))


def _duplicate(part: Part, place: FaultPlace) -> list[Upload]:
    upload = place.upload(part)
    again = _copy(upload, seq=upload.seq + 1)
    part.insert(again)
    return [again]


def _duplicate_later(part: Part, place: FaultPlace) -> list[Upload]:
    again = _copy(place.upload(part), seq=max(upload.seq for upload in part.uploads) + 1, noted=None)
    part.uploads.append(again)
    return [again]


def _same_number(part: Part, place: FaultPlace) -> list[Upload]:
    again = _copy(place.upload(part), short_name=True)
    part.uploads.append(again)
    return [again]


def _copy(upload: Upload, **changes: Any) -> Upload:
    """Another upload of the same bytes."""
    return replace(upload, number=None, altered=[*upload.altered], faults=[*upload.faults], **changes)


def _swapped(part: Part, place: FaultPlace) -> list[Upload]:
    one = place.upload(part)
    others = [u for u in part.uploads if u.number is not None and u.stored and u is not one]
    if not others:
        raise UsageError("there is no second chunk to exchange numbers with", hint="record for longer")
    nearest = min(others, key=lambda u: (u.seq < one.seq, abs(u.seq - one.seq)))
    other = part.find(place.number(0, 0)) if place.arguments else nearest
    one.seq, other.seq = other.seq, one.seq
    one.noted, other.noted = other.noted, one.noted
    return [one, other]


def _truncated(part: Part, place: FaultPlace) -> list[Upload]:
    upload = place.upload(part)
    kept = place.bytes(0, len(upload.data), len(upload.data) // 2)
    upload.data = upload.data[:kept]
    upload.altered = [(start, min(end, kept)) for start, end in upload.altered if start < kept]
    return [upload]


def _zeroed(part: Part, place: FaultPlace) -> list[Upload]:
    return _overwrite(part, place, bytes)


def _garbage(part: Part, place: FaultPlace) -> list[Upload]:
    return _overwrite(part, place, place.rng.randbytes)


def _overwrite(part: Part, place: FaultPlace, make: Callable[[int], bytes]) -> list[Upload]:
    """Other bytes instead of some: how many, and at which offset."""
    upload = place.upload(part)
    count = place.bytes(0, len(upload.data), min(1024, len(upload.data)))
    room = len(upload.data) - count
    at = min(room, place.bytes(1, len(upload.data), place.rng.randint(0, room)))
    before, made = upload.data[at : at + count], make(count)
    upload.data = upload.data[:at] + made + upload.data[at + count :]
    changed = [index for index, pair in enumerate(zip(before, made, strict=True)) if pair[0] != pair[1]]
    if changed:  # a zero that was there before is as the recorder wrote it
        upload.altered.append((at + changed[0], at + changed[-1] + 1))
    return [upload]


def _foreign(part: Part, place: FaultPlace) -> list[Upload]:
    """By default the blob three before or after the chunk's own place: one of another time."""
    before = place.upload(part)
    blob, number = _foreign_blob(part, place, before)
    foreign = Upload(number, blob, None, before.seq, part.runs[number].blobs[blob].data, None)
    part.insert(foreign)
    return [foreign]


def _overwritten(part: Part, place: FaultPlace) -> list[Upload]:
    upload = place.upload(part)
    blob, number = _foreign_blob(part, place, upload)
    foreign = Upload(number, blob, None, upload.seq, part.runs[number].blobs[blob].data, upload.noted)
    part.uploads.append(foreign)
    upload.stored, upload.noted = False, None
    return [foreign]


def _foreign_blob(part: Part, place: FaultPlace, near: Upload) -> tuple[int, int]:
    run = part.record_elsewhere()
    if run not in part.runs:
        part.runs.append(run)
    default = near.index - 3 if near.index > 3 else near.index + 3
    return min(max(0, place.number(0, default)), len(run.blobs) - 1), part.runs.index(run)


def _second_header(part: Part, place: FaultPlace) -> list[Upload]:
    """The page was loaded anew: what was not uploaded is gone, and another run goes on with the numbers."""
    first = place.upload(part)
    if first.run or not first.index:
        raise UsageError(
            "a recorder is started anew after a chunk of its own", hint="choose a chunk from 1 on, and once"
        )
    before = part.runs[0]
    kept = tuple(packet for packet in before.packets if packet.end <= before.blobs[first.index].offset)
    part.runs[0] = replace(before, blobs=before.blobs[: first.index], packets=kept)
    run = part.record_again(first.index)
    part.runs.append(run)
    again = uploads_of(run, len(part.runs) - 1, first.seq)
    part.uploads = [upload for upload in part.uploads if upload.run or upload.index < first.index] + again
    return again[:1]


def _killed(part: Part, place: FaultPlace) -> list[Upload]:
    """The last blob was never handed over, the upload of the one before was cut; the end was not recorded."""
    last, cut = part.find(-1), part.find(-2)
    last.stored, last.noted, part.stop_noted = False, None, False
    kept = place.bytes(0, len(cut.data), len(cut.data) // 2)
    cut.data = cut.data[:kept]
    return [cut, last]


def _renumbered(part: Part, place: FaultPlace) -> list[Upload]:
    """Nothing shows in the numbers: what was not uploaded was not counted."""
    upload = place.upload(part)
    upload.stored, upload.noted = False, None
    for other in part.uploads:
        other.seq -= other.seq > upload.seq
    return [upload]


def _manifest_wrong(part: Part, place: FaultPlace) -> list[Upload]:
    upload = place.upload(part)
    if upload.noted is not None:
        what = place.arguments[0] if place.arguments else "sha256"
        if what not in ("bytes", "sha256"):
            raise UsageError(f"manifest-wrong takes bytes or sha256, not {what!r}")
        wrong = hashlib.sha256(upload.noted.sha256.encode()).hexdigest()
        bytes_ = upload.noted.bytes + (place.rng.randint(1, 99) if what == "bytes" else 0)
        upload.noted = replace(upload.noted, bytes=bytes_, sha256=wrong)
    return [upload]


class Fault(Struct, frozen=True):
    """A kind of fault: how it is asked for, what it does, and the function that does it and returns what it touched."""

    name: str
    arguments: str
    summary: str
    apply: Callable[[Part, FaultPlace], list[Upload]]

    @property
    def usage(self) -> str:
        return self.name + self.arguments


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("missing", ":CHUNK", "the chunk was never uploaded", _missing),
        Fault("missing-first", "", "the first chunk, with the only header, was never uploaded", _missing_first),
        Fault("missing-last", "", "the last chunk was never uploaded", _missing_last),
        Fault("renumbered", ":CHUNK", "the chunk was never uploaded, and the numbers do not show it", _renumbered),
        Fault("duplicate", ":CHUNK", "uploaded again under the next number; later numbers move up", _duplicate),
        Fault("duplicate-later", ":CHUNK", "uploaded again under the number after the last", _duplicate_later),
        Fault("same-number", ":CHUNK", "stored twice under one number, spelt differently", _same_number),
        Fault("swapped", ":CHUNK[:OTHER]", "two chunks have each other's number", _swapped),
        Fault(
            "truncated",
            ":CHUNK[:KEPT]",
            "cut short: KEPT bytes (1000), all but some (-1) or a share (0.5) are left",
            _truncated,
        ),
        Fault("zeroed", ":CHUNK[:BYTES[:AT]]", "zeros instead of some bytes", _zeroed),
        Fault("garbage", ":CHUNK[:BYTES[:AT]]", "random bytes instead of some bytes", _garbage),
        Fault("foreign", ":CHUNK[:BLOB]", "another recorder's blob is before the chunk", _foreign),
        Fault("overwritten", ":CHUNK[:BLOB]", "another recorder's blob is in the chunk's place", _overwritten),
        Fault("second-header", ":CHUNK", "the recorder was started anew inside the part", _second_header),
        Fault("killed", "[::KEPT]", "the last chunk was never made, the one before cut short", _killed),
        Fault("manifest-wrong", ":CHUNK[:bytes|sha256]", "session.json notes a wrong size or hash", _manifest_wrong),
    )
}


def parse_fault(text: str) -> tuple[Fault, str, int | None, tuple[str, ...]]:
    """Fault, part (empty for the first), chunk and arguments in `NAME[:[PART/]CHUNK[:ARGUMENT…]]` (UsageError)."""
    name, *words = text.split(":")
    if name not in FAULTS:
        raise UsageError(
            f"there is no fault {name!r}",
            hint="there are " + ", ".join(FAULTS) + "; see sessiontool simulate --list-faults",
        )
    fault = FAULTS[name]
    part, _, chunk = (words[0] if words else "").rpartition("/")
    try:
        where = int(chunk) if chunk else None
        for word in words[1:]:
            if word not in ("bytes", "sha256"):
                float(word)
    except ValueError:
        raise UsageError(f"{text!r} is no place for a fault", hint=f"write it as {fault.usage}") from None
    return fault, part, where, tuple(words[1:])
