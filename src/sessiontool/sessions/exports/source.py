"""A published recording, checked against its report: its header, its length, and the roles on its channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...errors import RecordingError
from .. import result_files
from ..align_recording import head_of, packets_of
from ..report import is_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ...media.filler import SoundHead


class Source(Struct, frozen=True):
    """A published recording; `roles` are those on each channel, where the report knows them.

    `synthetic` are those whose voice is none of a person, as far as is asked for.
    """

    session_id: str
    name: str
    path: Path
    sha256: str
    head: SoundHead
    samples: int
    roles: tuple[str, ...]
    synthetic: tuple[str, ...] = ()

    def packets(self) -> Iterator[bytes]:
        return packets_of(self.path)

    def channel_of(self, role: str) -> int:
        """The channel that a role has to itself (RecordingError where it has none)."""
        if role not in self.roles:
            known = (
                f"its channels have {' and '.join(self.roles)}" if self.roles else "its report names no role a channel"
            )
            raise RecordingError(
                f"{self.session_id} has no channel of {role}: {known}",
                hint="export it without --roles; what was aligned and has a role on each channel can be split",
            )
        return self.roles.index(role)


def source_of(session_id: str, name: str, path: Path, published: Mapping[str, Any]) -> Source:
    """The recording at `path`, published as `name`, which must be the one that its report names (RecordingError)."""
    sha256 = result_files.output_of(path)["sha256"]
    outputs = published.get("outputs")
    noted = (
        [one.get("sha256") for one in outputs if isinstance(one, dict) and one.get("name") == name]
        if isinstance(outputs, list)
        else []
    )
    if noted != [sha256]:
        raise RecordingError(
            f"{name} of {session_id} is not the one that its report names",
            hint="`sessiontool verify` says what is wrong; merge the session again with --force",
        )
    head = head_of(path)
    samples = _samples_noted(published) or sum(map(head.lengths(), packets_of(path))) - head.pre_skip
    return Source(session_id, name, path, sha256, head, samples, _roles(published, head.channels))


def _samples_noted(published: Mapping[str, Any]) -> int | None:
    """How long the recording is by a report that is as it was written: all packets are read otherwise."""
    match published.get("timeline"):
        case [*_, {"output_samples": [int(), int() as end]}] if is_sealed(published):
            return end
    return None


def _roles(published: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """The one role on each channel as the alignment found them; empty where a channel has none, or several."""
    sound = published.get("sound")
    channels = sound.get("channels") if isinstance(sound, dict) else None
    found = [one.get("roles") for one in channels if isinstance(one, dict)] if isinstance(channels, list) else []
    alone = [one[0] for one in found if isinstance(one, list) and len(one) == 1 and isinstance(one[0], str)]
    return tuple(alone) if len(alone) == len(set(alone)) == count else ()
