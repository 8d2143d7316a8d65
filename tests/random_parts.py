"""Sessions of several parts for the random judge: parts of one browser or of two, each with a start of its own.

Faults hit any part, and some are of the session: a chunk in another part's folder, a part of which nothing was noted, a
page that was loaded anew and wrote its chunks over those of the part before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

from random_faults import FAULTS, WEIGHTS
from random_folder import Done, Folder, Upload, pick, write_notes
from random_naming import is_hidden, is_masked, names
from random_pool import FAMILIES, pool

if TYPE_CHECKING:
    from pathlib import Path

    from random_recordings import Recording

_FAMILY_WEIGHTS = {"chrome": 6, "firefox": 4, "ogg": 1, "mp4": 1}
_SESSION_WEIGHTS = (4, 2, 8)  # of `SESSION_FAULTS`; the last can seldom be done
_FIRST_MS = 700.0
_SUSPENDED_MS = 2000.0
_BETWEEN_MS = (60.0, 4000.0)  # from one part's stop to the next one's start


@dataclass(slots=True)
class Part:
    """A part's folder, when its recorder was started on the session clock, and whether session.json knows of it.

    `noted_as`: the part of which session.json tells in its place, after a page was loaded anew.
    """

    folder: Folder
    start_ms: float
    is_noted: bool = True
    noted_as: Part | None = None

    @property
    def recording(self) -> Recording:
        return self.folder.recordings[0]

    @property
    def paused_ms(self) -> float:
        return sum((pause["end_ms"] - pause["start_ms"] for pause in self.recording.part.get("pauses", [])), 0.0)

    def entry(self) -> dict[str, Any]:
        """What session.json says of the part, on the session's clock."""
        if self.noted_as is not None:
            return self.noted_as.entry()
        entry, by_ms = self.folder.entry(), self.start_ms - float(self.recording.part["start_ms"])
        chunks = [chunk | _moved(chunk, by_ms, "emitted_ms") for chunk in entry["chunks"]]
        pauses = [_moved(pause, by_ms, "start_ms", "end_ms") for pause in entry.get("pauses", [])]
        return entry | _moved(entry, by_ms, "start_ms", "stop_ms") | {"chunks": chunks, "pauses": pauses}


def _moved(values: dict[str, Any], by_ms: float, *names: str) -> dict[str, Any]:
    return {name: values[name] + by_ms for name in names if values.get(name) is not None}


@dataclass(slots=True)
class Session:
    """The parts of a session in their order."""

    parts: list[Part]

    def write(self, session: Path, *, bare: bool) -> None:
        """Write the session's folder; `bare`: without session.json."""
        for number, part in enumerate(self.parts):
            part.folder.write_chunks(session / "chunks" / f"{number:03d}")
        if not bare:
            noted = [part.entry() | {"part": n} for n, part in enumerate(self.parts) if part.is_noted]
            write_notes(session, noted)

    def stored(self) -> dict[str, int]:
        """The files of the store by the end of their keys, and their sizes."""
        return {
            f"{number:03d}/{part.folder.name(upload)}": len(upload.data)
            for number, part in enumerate(self.parts)
            for upload in part.folder.stored()
        }

    def as_one(self) -> Folder:
        """All chunks in one folder, the recordings of the parts first: for what is true, whatever folder holds it."""
        recordings = list(dict.fromkeys(part.recording for part in self.parts))
        recordings += [one for part in self.parts for one in part.folder.recordings if one not in recordings]
        whole = Folder(list(dict.fromkeys(recordings)), {})
        for part in self.parts:
            sources = [whole.recordings.index(one) for one in part.folder.recordings]
            whole.uploads += [_with_sources(upload, sources) for upload in part.folder.uploads]
        return whole


def _with_sources(upload: Upload, sources: list[int]) -> Upload:
    pieces = [replace(p, source=sources[p.source]) if p.source >= 0 else p for p in upload.pieces]
    return replace(upload, source=sources[upload.source], pieces=pieces)


@dataclass(slots=True)
class SessionCase:
    """A damaged session, and what was done to which part of it; None is a fault of the session."""

    seed: int
    index: int
    session: Session
    faults: list[tuple[Part, Done]]
    bare: bool

    @property
    def name(self) -> str:
        parts = " + ".join(part.recording.name for part in self.session.parts)
        numbers = {id(part): str(n) for n, part in enumerate(self.session.parts)}
        what = ", ".join(f"{done.kind} in {numbers.get(id(part), 'gone')}" for part, done in self.faults) or "nothing"
        return f"{parts}{' bare' if self.bare else ''}: {what}"

    @property
    def kinds(self) -> list[str]:
        return [done.kind for _, done in self.faults]

    def named(self, findings: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
        """The kinds of faults that can be named, and those that no finding of their part names."""
        nameable: list[str] = []
        unnamed: list[str] = []
        for number, part in enumerate(self.session.parts):
            mine = [done for its, done in self.faults if its is part and done.kind != "part-unnoted"]
            its = [one for one in findings if _is_of(one, number)]
            some, others = names(mine, part.folder, its, bare=self.bare or not part.is_noted)
            nameable += some
            unnamed += [f"{kind} of part {number}" for kind in others]
        return nameable, unnamed

    def is_lossy(self, lossy: set[str]) -> bool:
        """Whether something shows that sound was lost."""
        return any(
            done.kind in lossy
            and not is_masked(done, part.folder)
            and not is_hidden(done, part.folder, bare=self.bare or not part.is_noted)
            for part, done in self.faults
        )


def _is_of(finding: dict[str, Any], number: int) -> bool:
    name = str(finding.get("part") or "").split("+")[0]
    return name.isdecimal() and int(name) == number


def undamaged_session(recordings: list[Recording], rng: Random, others: dict[str, tuple[Recording, ...]]) -> Session:
    """Parts one after another, with a while between them."""
    parts: list[Part] = []
    start_ms = _FIRST_MS
    for recording in recordings:
        parts.append(Part(Folder.of(recording, others), start_ms))
        lasted_ms = recording.part["stop_ms"] - recording.part["start_ms"]
        start_ms = round(start_ms + lasted_ms + rng.uniform(*_BETWEEN_MS), 1)
    return Session(parts)


def draw_session(seed: int, index: int, corpus: Path | None = None) -> SessionCase:
    """Choose two or three recordings, and one to four faults."""
    rng = Random(f"parts {seed}:{index}")
    recordings = {family: tuple(filter(_ran_on, found)) for family, found in pool(corpus).items()}
    chosen: list[Recording] = []
    for _ in range(rng.choices((2, 3), (3, 1))[0]):
        family = rng.choices(FAMILIES, [_FAMILY_WEIGHTS[family] for family in FAMILIES])[0]
        left = [one for one in recordings[family] if one not in chosen]
        chosen += [rng.choice(left)] if left else []
    others = {family: tuple(one for one in found if one not in chosen) for family, found in recordings.items()}
    while True:
        session = undamaged_session(chosen, rng, {family: found for family, found in others.items() if found})
        faults = [_hurt(session, rng) for _ in range(rng.choices((1, 2, 3, 4), (5, 3, 2, 1))[0])]
        if all(part.folder.has_majority() for part in session.parts):
            return SessionCase(seed, index, session, faults, bare=rng.random() < 0.4)


def _ran_on(recording: Recording) -> bool:
    """Whether the recorder's clock was not suspended, which notes alone tell."""
    last, part = recording.packets[-1], recording.part
    paused_ms = sum(pause["end_ms"] - pause["start_ms"] for pause in part.get("pauses", []))
    is_steady = all(after.time_ms - one.time_ms < _SUSPENDED_MS for one, after in pairwise(recording.packets))
    return (
        is_steady
        and float(part["stop_ms"] - part["start_ms"] - paused_ms - last.time_ms - last.length_ms) < _SUSPENDED_MS
    )


def _hurt(session: Session, rng: Random) -> tuple[Part, Done]:
    while True:
        kind = rng.choices([*FAULTS, *SESSION_FAULTS], [*(WEIGHTS.get(kind, 1) for kind in FAULTS), *_SESSION_WEIGHTS])[
            0
        ]
        if kind in SESSION_FAULTS:
            found = SESSION_FAULTS[kind](session, rng)
        else:
            part = rng.choice(session.parts)
            done = FAULTS[kind](part.folder, rng)
            found = (part, done) if done else None
        if found is not None:
            return found


# -- faults of a session


def moved_part(session: Session, rng: Random) -> tuple[Part, Done] | None:
    """A chunk lies in another part's folder: under its own number, over that of another, or behind all others."""
    if len(session.parts) < 2:
        return None
    one, other = rng.sample(session.parts, 2)
    upload = pick(one.folder, rng, least=3)
    if upload is None or other.folder.whole_second is not None or one.folder.whole_second is not None:
        return None
    if any(piece.source for piece in upload.pieces) or upload.copy:
        return None  # what is in it is damaged, or of a stranger
    upload.stored = False
    if one.recording not in other.folder.recordings:
        other.folder.recordings.append(one.recording)
    source = other.folder.recordings.index(one.recording)
    pieces = [replace(piece, source=source) for piece in upload.pieces]
    seq, there = upload.seq, [its for its in other.folder.own() if its.seq == upload.seq]
    how = "number" if not there else rng.choice(("over", "behind"))
    if how == "over" and len(other.folder.own()) > 3 and not _may_be_its_own(other, there[0], upload):
        there[0].stored = False
    if any(its.stored and its.seq == seq for its in other.folder.uploads):  # its own, or a stranger's
        seq = other.folder.last() + 1
    stray = Upload(seq, source, upload.index, pieces, None)
    other.folder.uploads.append(stray)
    return other, Done("moved-part", [stray], f"chunk {upload.seq} of {one.recording.name}, {how}", around=True)


def _may_be_its_own(part: Part, there: Upload, stray: Upload) -> bool:
    """Whether nothing shows that a stray in the place of a chunk is not what was recorded there."""
    return not there.source and part.recording.takes(there.index, stray.data)


def part_unnoted(session: Session, rng: Random) -> tuple[Part, Done] | None:
    part = rng.choice(session.parts)
    if not part.is_noted or part.noted_as:
        return None
    part.is_noted = False
    return part, Done("part-unnoted", [])


def reloaded(session: Session, rng: Random) -> tuple[Part, Done] | None:
    """A page was loaded anew and counted from 0 in the same folder: its chunks lie over the first ones before it."""
    at = rng.randrange(len(session.parts))
    if at + 1 >= len(session.parts):
        return None
    before, after = session.parts[at : at + 2]
    one, other = before.folder, after.folder
    is_alike = after.recording.family == before.recording.family and before.is_noted and after.is_noted
    if not (is_alike and _is_untouched(one) and _is_untouched(other) and len(one.uploads) > len(other.uploads)):
        return None
    one.recordings.append(after.recording)
    one.whole_second = 1
    fresh = [replace(up, source=1, pieces=[replace(up.pieces[0], source=1)]) for up in other.uploads]
    one.uploads = [*fresh, *(replace(up, note=None) for up in one.uploads[len(fresh) :])]
    before.noted_as = after
    del session.parts[at + 1]
    return before, Done("reloaded", fresh, f"{len(fresh)} chunks of {after.recording.name}", around=True)


def _is_untouched(folder: Folder) -> bool:
    whole = all(upload.stored and len(upload.pieces) == 1 for upload in folder.uploads)
    return whole and len(folder.recordings) == 1 and [up.seq for up in folder.uploads] == [*range(len(folder.uploads))]


SESSION_FAULTS = {"moved-part": moved_part, "part-unnoted": part_unnoted, "reloaded": reloaded}
