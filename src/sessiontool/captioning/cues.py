"""The values of the captions stage: what was said where, and the cues made of it, in milliseconds of the recording."""

from __future__ import annotations

from msgspec import Struct


class Word(Struct, frozen=True):
    """One word and when it is said; `phones` are its sounds (ARPAbet's name, start, end), where they were found."""

    text: str
    start_ms: int
    end_ms: int
    phones: tuple[tuple[str, int, int], ...] = ()


class Spoken(Struct, frozen=True):
    """One utterance with a place in the sound: clean text in lines of its own, `end_ms` after `start_ms`.

    `words` are the words' own times, empty where they were not measured.  `speech` are the stretches (start, end) in
    which there is sound, empty where it was not searched for: then the speech is taken to be even from start to end.
    `cut_off`: the speaker was stopped.  `speaker` is empty for what is not spoken, such as a note of
    a lost stretch.  `doubt` is the confidence of a place that is not sure, None elsewhere.
    """

    text: str
    start_ms: int
    end_ms: int
    role: str
    speaker: str
    cut_off: bool = False
    language: str = ""
    words: tuple[Word, ...] = ()
    speech: tuple[tuple[int, int], ...] = ()
    doubt: float | None = None
    id: str = ""

    @property
    def voice(self) -> tuple[str, str]:
        """What tells speakers apart."""
        return self.role, self.speaker


class Cue(Struct, frozen=True):
    """One caption.

    `text` is what is said; `lines` is what is shown: the text laid out, with a name or dashes where the format needs
    them.  It stands from `start_ms` to `end_ms`; `sound_ms` (start, end) is when its words are said.  `starts` holds
    (line, character in the line, ms) of each word whose time was measured.  `parts` is the text in lines of its own,
    empty where it has but one.  `is_rtl`: it goes from right to left.
    """

    start_ms: int
    end_ms: int
    role: str
    speaker: str
    text: str
    lines: tuple[str, ...]
    sound_ms: tuple[int, int]
    language: str = ""
    starts: tuple[tuple[int, int, int], ...] = ()
    parts: tuple[str, ...] = ()
    is_rtl: bool = False

    @property
    def voice(self) -> tuple[str, str]:
        return self.role, self.speaker

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms
