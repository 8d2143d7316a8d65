"""What each figure is: its unit, its definition in a sentence, and how far it may be off."""

from __future__ import annotations

from msgspec import Struct


class Definition(Struct, frozen=True):
    """`error` is in the figure's unit, or with `is_relative` a share of it; None where it is exact, or not measured.

    `unclear_error` is that of recordings where voices share a channel, or noise is near.
    """

    unit: str
    text: str
    error: float | None = None
    is_relative: bool = False
    unclear_error: float | None = None

    def error_of(self, value: float, *, is_clear: bool) -> float | None:
        """How far a value may be off."""
        error = self.error if is_clear or self.unclear_error is None else self.unclear_error
        return error if error is None or not self.is_relative else round(error * value, 4)


DEFINITIONS = {
    "talk_time": Definition("s", "from the start of each utterance to its end, overlaps of one role once", 0.03, True),
    "share_of_speech": Definition("ratio", "talk_time of the role by that of all roles", 0.01, unclear_error=0.03),
    "share_of_duration": Definition("ratio", "talk_time of the role by what was recorded", 0.015, unclear_error=0.03),
    "longest_monologue": Definition("s", "the longest turn, from its first word to its last", 0.1),
    "turns": Definition("count", "runs of utterances of one role, backchannels left out"),
    "switches_per_minute": Definition("1/min", "changes of role from turn to turn, by minutes recorded"),
    "response_gap": Definition(
        "s", "median silence before the role answers; where both speak there is none", 0.06, unclear_error=0.08
    ),
    "first_response": Definition("s", "the first such silence", 0.06, unclear_error=0.08),
    "latency_endpointing": Definition(
        "s", "median time from the user's last sound until it is received that they are done", 0.11, unclear_error=0.13
    ),
    "latency_model": Definition("s", "median time from then until the first sound of the answer is received"),
    "latency_network": Definition(
        "s", "median time from then until the answer is heard: transport, buffers and playing", 0.11, unclear_error=0.13
    ),
    "interruptions": Definition("count", "the role begins while the other speaks, or stops its answer"),
    "recovery": Definition(
        "s", "median time from the end of the role's interruption until the other speaks", 0.06, unclear_error=0.08
    ),
    "overlap": Definition("s", "where two roles speak at once", 0.1, True),
    "silence": Definition("s", "where no one speaks, between the first word and the last", 0.05, True),
    "dead_air": Definition("s", "silences of 3 s or more, together", 0.05, True),
    "words_per_minute": Definition("1/min", "words heard, by minutes of talk_time", 0.03, True),
    "questions": Definition("count", "question marks in the text"),
    "heard_share": Definition("ratio", "words heard of answers that were cut off, by all of their words", 0.1),
    "fillers_in_text": Definition("count", "fillers that the text has; most transcriptions leave them out"),
    "speech_without_text": Definition("s", "speech on the role's channel that has no text"),
}
"""Each figure's unit, definition and error; errors are those measured on recordings with known truth
(docs/metrics.md)."""
