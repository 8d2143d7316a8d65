"""What a person changed in a caption file, as corrections of utterances.

A caption file knows no utterances: a cue may hold a piece of one, or two of them.  So the captions are made again as
they were published, their words are found in the utterances, and the words of the edited file are compared with them.
Times are not looked at: cues may have been moved, split or joined.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ..captions import caption, read_options
from ..documents.cues import CUES, cues_in
from ..documents.encodings import decode
from ..documents.lenient import LogProblems
from ..errors import RecordingError
from .result_names import audio_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_VTT = r"\A\ufeff?\s*WEBVTT"
_FEW_WORDS = 20
"""Words below which captions may be another text entirely; chosen: one or two sentences."""
_LEAST_LIKE = 0.5
"""Of more words this share is still there in their order, however much was corrected; chosen."""


class _Token(Struct, frozen=True):
    """A word (or a wide character) of a caption, who says it, and in which cue."""

    text: str
    speaker: str
    cue: int


class CaptionEdits(Struct):
    """What is otherwise in an edited caption file, by the id of the utterance."""

    texts: dict[str, str] = field(default_factory=dict)
    speakers: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)


def is_caption_file(body: bytes) -> bool:
    """Whether a file is WebVTT or SubRip."""
    return re.search(CUES, decode(body).text) is not None


def caption_edits(edited: bytes, transcript: Mapping[str, Any], report: Mapping[str, Any]) -> CaptionEdits:
    """What `edited` has otherwise than the captions that were published (RecordingError where that is not clear)."""
    text = _decoded(edited)
    name = "vtt" if re.match(_VTT, text) else "srt"
    utterances = [one for one in transcript.get("utterances", ()) if isinstance(one.get("text"), str)]
    published = list(_tokens(_published(name, transcript, report)))
    now = list(_tokens(text))
    if not now:
        raise RecordingError("the edited captions have no cue", hint="to drop all is not what it is for")
    _require_likeness(published, now)
    owners = _owners(published, utterances)
    after: dict[str, list[_Token]] = {}
    changed: set[str] = set()
    for owner, token, is_changed in _assigned(published, now, owners):
        after.setdefault(owner, []).extend([token] if token else ())
        if is_changed:
            changed.add(owner)
    before: dict[str, list[_Token]] = {}
    for owner, token in zip(owners, published, strict=True):
        before.setdefault(owner, []).append(token)
    found = CaptionEdits()
    for utterance in utterances:
        name = utterance["id"]
        if name in before:  # it was shown
            _take(utterance, before[name], after.get(name, []), found, is_changed=name in changed)
    return found


def _decoded(edited: bytes) -> str:
    """The text, whatever an editor wrote it in (RecordingError where some of it is no text)."""
    found = decode(edited)
    if found.lost:
        raise RecordingError(
            f"{found.lost} byte(s) of the edited captions are no text", hint="save the file as UTF-8 and correct again"
        )
    return found.text


def _require_likeness(published: Sequence[_Token], now: Sequence[_Token]) -> None:
    """RecordingError where most of many words are others: captions of another session, or a translation."""
    matcher = SequenceMatcher(None, [token.text for token in published], [token.text for token in now], False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    if len(now) >= _FEW_WORDS and same < len(now) * _LEAST_LIKE:
        raise RecordingError(
            f"only {same} of {len(now)} words of the edited captions are those that were published",
            hint="are they of another session? single texts are corrected by --text u012=…",
        )


def _take(
    utterance: Mapping[str, Any],
    before: Sequence[_Token],
    after: Sequence[_Token],
    found: CaptionEdits,
    *,
    is_changed: bool,
) -> None:
    """Note what is otherwise in one utterance."""
    name = utterance["id"]
    if not after:
        found.dropped.append(name)
        return
    if _speaker(after) not in {_speaker(before), ""}:
        found.speakers[name] = _speaker(after)
    if is_changed:
        rest = _words(utterance["text"])[len(before) :]  # of a turn that was cut off, what is not shown
        found.texts[name] = _joined([token.text for token in after] + rest)


def _published(name: str, transcript: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """The captions as they were made of this transcript."""
    try:
        options = read_options(report["tool"]["settings"]["captions"])
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(
            "the report does not say how its captions were made", hint="merge the session again with --force"
        ) from error
    files = caption(dict(transcript), options, audio=audio_of(report), report=dict(report)).files
    if f"captions.{name}" not in files:
        raise RecordingError(f"no captions.{name} was published", hint=f"there are {', '.join(files)}")
    return files[f"captions.{name}"]


def _tokens(text: str) -> Iterator[_Token]:
    speaker = ""
    for number, entry in enumerate(cues_in(text, LogProblems())):
        speaker = entry.role or speaker  # SubRip names who speaks where that changes
        for word in _words(entry.text or ""):
            yield _Token(word, speaker, number)


def _owners(published: Sequence[_Token], utterances: Sequence[Mapping[str, Any]]) -> list[str]:
    """The utterance of each word of the published captions; empty for what none said, such as notes."""
    owners = [""] * len(published)
    for speaker in {token.speaker for token in published}:
        places = [place for place, token in enumerate(published) if token.speaker == speaker]
        said = [
            (word, str(one["id"]))
            for one in sorted(utterances, key=lambda one: one.get("start_s") or 0.0)
            if not speaker or one.get("speaker") == speaker
            for word in _words(str(one.get("heard_text") or one["text"]))
        ]
        matcher = SequenceMatcher(None, [published[one].text for one in places], [word for word, _ in said], False)
        for block in matcher.get_matching_blocks():
            for step in range(block.size):
                owners[places[block.a + step]] = said[block.b + step][1]
    return owners


def _assigned(
    published: Sequence[_Token], now: Sequence[_Token], owners: Sequence[str]
) -> Iterator[tuple[str, _Token | None, bool]]:
    """Each word of the edited captions with its utterance, and whether it, or one that is gone, is a change of it."""
    matcher = SequenceMatcher(None, [token.text for token in published], [token.text for token in now], False)
    for kind, a, a_end, b, b_end in matcher.get_opcodes():
        if kind == "equal":
            yield from ((owners[a + step], now[b + step], False) for step in range(b_end - b))
        elif kind == "insert":
            owner = _neighbour(owners, now, a, b)
            yield from ((owner, token, True) for token in now[b:b_end])
        else:
            yield from ((owners[place], None, True) for place in range(a, a_end))
            for step in range(b_end - b):
                place = a + step * (a_end - a) // max(1, b_end - b)
                yield owners[place], now[b + step], True


def _neighbour(owners: Sequence[str], now: Sequence[_Token], a: int, b: int) -> str:
    """The utterance that new words are of: of the word before in the same cue, else of the one behind."""
    is_behind = b > 0 and now[b - 1].cue == now[b].cue
    order = (a - 1, a) if is_behind else (a, a - 1)
    return next((owners[place] for place in order if 0 <= place < len(owners) and owners[place]), "")


def _speaker(tokens: Sequence[_Token]) -> str:
    return Counter(token.speaker for token in tokens).most_common(1)[0][0]


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in {"W", "F"}


def _words(text: str) -> list[str]:
    """Words between spaces; of scripts that are written without, each character."""
    words: list[str] = []
    for word in text.split():
        piece = ""
        for char in word:
            if _is_wide(char):
                words += [piece] * bool(piece) + [char]
                piece = ""
            else:
                piece += char
        words += [piece] * bool(piece)
    return words


def _joined(words: Sequence[str]) -> str:
    text = ""
    for word in words:
        space = "" if not text or (_is_wide(text[-1]) or _is_wide(word[0])) else " "
        text += space + word
    return text
