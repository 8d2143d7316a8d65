"""How exactly the sounds of words are found: sentences that eSpeak NG says, which tells when it says what.

usage: python benchmarks/phones.py [--voice NAME] [--noise DB] [--save FILE]

Needs libespeak-ng and sessiontool[words].  eSpeak's phonemes are matched with those that were found in each word.
Compared are the starts of vowels and of consonants that are no stops: of a stop eSpeak tells the release, pocketsphinx
the closure.  `--noise` adds white noise so many dB below the speech.  `--save` writes the first sentence as a sound
file, and its phonemes as JSON beside it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from sessiontool.forced_alignment.pocketsphinx import Aligner, FoundPhone
from sessiontool.forced_alignment.worker import Task, align_text

SENTENCES = (
    "My phone will ring soon, so show me a new room near home.",
    "Four hours of steady work faced us.",
    "The hogs were fed chopped corn and garbage.",
    "A large size in stockings is hard to sell.",
    "The boy was there when the sun rose.",
    "A rod is used to catch pink salmon.",
    "The source of the huge river is the clear spring.",
    "Help the woman get back to her feet.",
    "The soft cushion broke the man's fall.",
    "The salt breeze came across from the sea.",
    "The girl at the booth sold fifty bonds.",
    "The swan dive was far short of perfect.",
)
"""All but the first from the list of Harvard sentences (IEEE, 1969)."""

_RATE = 16_000  # what pocketsphinx hears
_VOWELS = set("aeiouAEIOUV03@")
_STOPS = set("ptkbdg?")
_ARPABET = {"3": "ER", "r": "R", "l": "L", "m": "M", "n": "N", "N": "NG", "s": "S", "z": "Z", "S": "SH", "Z": "ZH"} | {
    "f": "F", "v": "V", "T": "TH", "D": "DH", "h": "HH", "j": "Y", "w": "W", "tS": "CH", "dZ": "JH", "p": "P", "b": "B",
    "t": "T", "d": "D", "k": "K", "g": "G",
}  # fmt: skip


class Spoken(NamedTuple):
    """A sentence as it is said: 16-bit samples, and eSpeak's phonemes with their starts in ms and their word."""

    pcm: bytes
    phonemes: list[tuple[str, int, int]]


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("uid", ctypes.c_uint),
        ("text", ctypes.c_int),
        ("length", ctypes.c_int),
        ("ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_WORD, _PHONEME = 1, 7
"""Types of events, as espeak-ng's speak_lib.h has them."""


def say(texts: tuple[str, ...], voice: str) -> list[Spoken]:
    """Each text as eSpeak says it."""
    library = ctypes.CDLL("libespeak-ng.so.1")
    rate = library.espeak_Initialize(2, 0, None, 1)  # with its sound as it is made, and events of phonemes
    sound, events = bytearray(), list[tuple[int, int, str]]()

    @ctypes.CFUNCTYPE(  # type: ignore[untyped-decorator]
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
    )
    def heard(samples: ctypes._Pointer[ctypes.c_short], count: int, told: ctypes._Pointer[_Event]) -> int:
        sound.extend(ctypes.string_at(samples, 2 * count) if samples and count else b"")
        place = 0
        while told[place].type:
            events.append((told[place].type, told[place].sample, bytes(told[place].name).decode("utf-8", "replace")))
            place += 1
        return 0

    library.espeak_SetSynthCallback(heard)
    library.espeak_SetVoiceByName(voice.encode())
    said = []
    for text in texts:
        sound.clear()
        events.clear()
        library.espeak_Synth(text.encode(), len(text) + 1, 0, 1, 0, 1, None, None)
        said.append(Spoken(_resampled(bytes(sound), rate), _phonemes(events, rate)))
    return said


def _phonemes(events: list[tuple[int, int, str]], rate: int) -> list[tuple[str, int, int]]:
    found, word = [], -1
    for kind, sample, name in events:
        word += kind == _WORD
        if kind == _PHONEME and not name.startswith("_"):
            found.append((name, 1000 * sample // rate, word))
    return found


def _resampled(pcm: bytes, rate: int) -> bytes:
    frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[None], format="s16", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler("s16", "mono", _RATE)
    return b"".join(
        bytes(one.to_ndarray().tobytes()) for one in (*resampler.resample(frame), *resampler.resample(None))
    )


def with_noise(pcm: bytes, below_db: float) -> bytes:
    samples = np.frombuffer(pcm, np.int16).astype(float)
    level = np.sqrt(np.mean(samples**2)) * 10 ** (-below_db / 20)
    noise = np.random.default_rng(1).normal(0, level, len(samples))
    return np.clip(samples + noise, -32768, 32767).astype(np.int16).tobytes()


def errors_ms(spoken: Spoken, text: str, found: list[tuple[FoundPhone, ...]]) -> list[int]:
    """How far the starts of matched sounds are off; words in which the two do not agree on the sounds are left out."""
    errors = []
    for number in range(len(text.split())):
        said = [(name, at) for name, at, word in spoken.phonemes if word == number]
        heard = found[number]
        if len(said) != len(heard):
            continue
        for (name, at), (phone, start, _) in zip(said, heard, strict=True):
            vowel = name[0] in _VOWELS
            same = phone[0] in "AEIOU" if vowel else _ARPABET.get(name.rstrip("#;")) == phone
            if same and (vowel or name[0] not in _STOPS or name in {"tS", "dZ"}):
                errors.append(start - at)
    return errors


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--voice", default="en-us")
    asked.add_argument("--noise", type=float)
    asked.add_argument("--save", type=Path)
    chosen = asked.parse_args()
    aligner, errors, words = Aligner(), list[int](), 0
    for text, spoken in zip(SENTENCES, say(SENTENCES, chosen.voice), strict=True):
        pcm = spoken.pcm if chosen.noise is None else with_noise(spoken.pcm, chosen.noise)
        found = align_text(aligner, Task(text, "en", may_stop=False, phones=True), pcm)
        errors += errors_ms(spoken, text, list(found.phones)) if found else []
        words += len(text.split())
        if chosen.save is not None and text == SENTENCES[0]:
            _save(chosen.save, text, spoken)
    off = np.abs(errors)
    print(
        f"{len(errors)} starts of sounds in {words} words: off by {np.median(off):.0f} ms (median), "
        f"{np.percentile(off, 95):.0f} (95 %), {np.median(errors):+.0f} on the whole"
    )


def _save(path: Path, text: str, spoken: Spoken) -> None:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("flac", rate=_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.frombuffer(spoken.pcm, np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = _RATE
        file.mux([*stream.encode(frame), *stream.encode(None)])
    path.with_suffix(".json").write_text(json.dumps({"text": text, "phonemes": spoken.phonemes}) + "\n")


if __name__ == "__main__":
    main()
