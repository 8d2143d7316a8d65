"""Whether one voice alone can be silenced: it needs a channel of its own, and must not be heard on the other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...documents.report_model import Report
    from ...media.filler import SoundHead


def channel_of(role: str, report: Report, head: SoundHead) -> tuple[int | None, str]:
    """The channel of a role that can be silenced alone; None, and why, where both have to go."""
    if head.channels != 2:
        return None, "the recording has one channel"
    if head.codec not in {"opus", "pcm"}:
        return None, f"the recording is {head.codec.upper()}, which is not encoded again"
    sound = report.get("sound")
    roles = [one["roles"] for one in sound["channels"]] if sound else []
    if len(roles) != 2 or any(len(one) != 1 for one in roles) or roles[0] == roles[1]:
        return None, "the alignment did not find each role on a channel of its own"
    if [role] not in roles:
        return None, f"no channel has {role}"
    channel = roles.index([role])
    assert sound, "it has roles"
    if any(leak["from"] == channel for leak in sound["leaks"]):
        return None, f"{role} is heard on the other channel as well"
    return channel, ""
