"""What goes into files of one name: all channels as they are, all of them mixed, or the channel of one role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from .options import ExportOptions
    from .source import Source


class SoundLane(Struct, frozen=True):
    """The channels `inputs` of a recording, as they are or mixed to one; `roles` are those that are on them."""

    stem: str
    inputs: tuple[int, ...]
    roles: tuple[str, ...]
    is_mixed: bool = False

    @property
    def channels(self) -> int:
        return 1 if self.is_mixed else len(self.inputs)

    def picked(self, sound: Any) -> Any:
        """The inputs in a block of all channels, not mixed yet."""
        return sound if len(self.inputs) == len(sound) else sound[list(self.inputs)]

    def of(self, sound: Any) -> Any:
        """What of a block of all channels is this lane's."""
        inputs = self.picked(sound)
        return inputs.mean(axis=0, keepdims=True) if self.is_mixed else inputs

    def tags(self, source: Source) -> dict[str, str]:
        """What a file says of itself: the session, and who is on which channel."""
        where = "mixed" if self.is_mixed else "on channels in this order"
        roles = f"{', '.join(self.roles)} ({where})" if self.roles else "roles unknown"
        found = {"title": source.session_id, "comment": f"session {source.session_id}: {roles}"}
        if synthetic := [role for role in self.roles or source.synthetic if role in source.synthetic]:
            found["comment"] += f"; synthetic voice: {', '.join(synthetic)}"
            found["SYNTHETIC_VOICE"] = ", ".join(synthetic)  # where a format takes tags of any name
        return found


def lanes_of(source: Source, options: ExportOptions) -> list[SoundLane]:
    """The lanes that are asked for (RecordingError where a role has no channel of its own)."""
    if options.roles:
        return [SoundLane(role, (source.channel_of(role),), (role,)) for role in dict.fromkeys(options.roles)]
    every = tuple(range(source.head.channels))
    if options.mono:
        return [SoundLane("mono", every, source.roles, is_mixed=len(every) > 1)]
    return [SoundLane("audio", every, source.roles)]
