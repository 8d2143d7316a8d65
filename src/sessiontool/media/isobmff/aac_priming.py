"""How many samples at the start of AAC in MP4 are the encoder's own, where no edit list says it.

Apple's programs note it in a comment named iTunSMPB: hexadecimal fields, the second of which is the priming.  Else the
program that wrote the file tells which encoder it has.
"""

from __future__ import annotations

import re

from ..aac import LAVC_PRIMING

_GAPLESS = rb"(?s)iTunSMPB\0\0..data\0\0\0[\0\1]\0{4} ?[0-9A-Fa-f]{8} ([0-9A-Fa-f]{8}) "
_MOST_PRIMING_SAMPLES = 1 << 13  # chosen: above any encoder's of LC; more is no priming
_APPLE_SAMPLES = 2112  # AudioToolbox's (Apple Technical Note TN2258); measured in a file with its edit list


def priming_of(user_data: bytes, handler_name: str) -> int | None:
    """The priming in samples; None where nothing tells it.

    `user_data` is the movie's `udta` box, `handler_name` is of the track.
    """
    noted = re.search(_GAPLESS, user_data)
    if noted and int(noted[1], 16) <= _MOST_PRIMING_SAMPLES:
        return int(noted[1], 16)
    if "Core Media" in handler_name:
        return _APPLE_SAMPLES
    return LAVC_PRIMING if b"Lavf" in user_data else None
