"""The folders of a session's parts: which of them are one recording, and which chunks are in the wrong one.

Not here: the joining (`assemble`); how any of this is found (`slices`, `copied_parts`, `misfiled`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import findings
from .copied_parts import copied_parts
from .misfiled import brought_home, by_notes
from .noted_pieces import as_stored
from .sequence import part_entry, with_numbers_of
from .slices import as_one_part, groups_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..documents.models import PartEntry, SessionDocument
    from ..model import ChunkRef, Finding
    from .misfiled import Moved
    from .planned import PlannedPart
    from .runs import Read
    from .slices import SlicedParts
    from .survey import ChunkSurvey


class Folders:
    """The parts of a session while it is joined.

    `parts` are the chunks of each that are its own, `as_one` what is to be joined as one part, by its name; `groups`
    are recordings with a part for each slice.  `planned` are the parts whose chunks were looked at.
    """

    def __init__(self, parts: Mapping[str, Sequence[ChunkRef]], session: SessionDocument, read: Read) -> None:
        self._session, self._read = session, read
        self._stored = {part: [*listed] for part, listed in parts.items()}
        self._moved: list[Moved] = []
        self._passed: set[ChunkRef] = set()  # strays that fit nowhere
        self.parts = self._stored
        self.groups = groups_of(parts, session)
        self.planned: dict[str, PlannedPart] = {}
        slices = {name: as_one_part(names, parts, session) for name, names in self.groups.items()}
        grouped = [name for names in self.groups.values() for name in names]
        copied = copied_parts(parts, session, grouped, read)
        self._joint = slices | copied
        self.as_one: dict[str, SlicedParts] = self._joint
        alone = self._single(self._stored)
        self._bring_home(by_notes(alone, {part: self.noted(part) for part in alone}, read))
        self.planned |= {name: self._plan(name) for name in copied}
        if self._moved:
            self._settle()

    @property
    def findings(self) -> list[Finding]:
        """About parts that were noted in other pieces, and chunks that were in the folder of another part."""
        noted = {part: self._as_noted(part) for part in self.parts}
        cut = [(part, entry) for part, entry in noted.items() if entry and entry != as_stored(entry, self.parts[part])]
        in_pieces = [findings.noted_in_pieces(self.parts[part][0], entry) for part, entry in cut]
        return [*in_pieces, *(move.finding for move in self._moved)]

    def noted(self, part: str) -> PartEntry | None:
        """What the recorder noted of a part, for its chunks as they are stored."""
        return as_stored(self._as_noted(part), self.parts[part])

    def _as_noted(self, part: str) -> PartEntry | None:
        return with_numbers_of(part_entry(self._session.parts, part), self.parts[part])

    def look_into(self, part: str) -> None:
        """Plan a part that is in doubt; what is found in it of other parts is brought there."""
        self.planned[part] = self._plan(part)
        self._settle()

    def _settle(self) -> None:
        """Bring strays of the planned parts home, until none is left that belongs anywhere else."""
        from .misfiled_times import by_times  # noqa: PLC0415 - see `_plan`

        while strays := {part: found for part in self._single(self.parts) if (found := self._strays(part))}:
            surveyed = {part: self._without_strays(part) for part in self._single(self.parts)}
            moved = [
                move
                for part, found in strays.items()
                for move in by_times(found, {other: its for other, its in surveyed.items() if other != part})
            ]
            self._passed |= {one.chunk for found in strays.values() for one in found}
            if moved:
                self._bring_home(moved)
                self._passed.clear()

    def _strays(self, part: str) -> list[ChunkSurvey]:
        """Those of a planned part that were not looked at since anything changed; what was brought there is at home."""
        found = self.planned[part].strays if part in self.planned else []
        return [one for one in found if one.chunk in self.parts[part] and one.chunk not in self._passed]

    def _single(self, parts: Mapping[str, Sequence[ChunkRef]]) -> dict[str, Sequence[ChunkRef]]:
        """The parts that are a recording of their own, as far as is known."""
        joint = {part for group in self._joint.values() for part in group.parts}
        return {part: listed for part, listed in parts.items() if part not in joint}

    def _bring_home(self, moved: Sequence[Moved]) -> None:
        if not moved:
            return
        self._moved += moved
        left, homes = brought_home(self._single(self._stored), self._moved, self._session)
        kept = self._stored.keys() - self._single(self._stored).keys()
        self.parts = {p: left.get(p, its) for p, its in self._stored.items() if p in left or p in kept}
        self.as_one = self._joint | homes
        for move in moved:
            self.planned.pop(move.chunk.part, None)
            self.planned.pop(move.own.part, None)
        self.planned |= {name: self._plan(name) for name in homes if name not in self.planned}

    def _plan(self, part: str) -> PlannedPart:
        from .planned import PlannedPart, PlannedSlices  # noqa: PLC0415 - most parts are plain, and need nothing of it

        if part in self.as_one:
            return PlannedSlices(self.as_one[part], self._read)
        return PlannedPart(part, self.parts[part], self.noted(part), self._read)

    def _without_strays(self, part: str) -> list[ChunkSurvey]:
        """The chunks of a part, by themselves, without those that do not go on with any other."""
        from .surveyed import survey_part  # noqa: PLC0415 - see `_plan`

        strays = {one.chunk for one in self.planned[part].strays} if part in self.planned else set()
        if part in self.as_one:
            group = self.as_one[part]
            found = survey_part(group.listed, group.entry, group.names.read_by(self._read))
        else:
            found = survey_part(self.parts[part], self.noted(part), self._read)
        return [one for one in found.surveys if one.chunk not in strays]
