"""The JSON values of a log of events, a line at a time: bytes in, values and their lines out.

A line is a value, behind `data:` or a logger's prefix or not; a file may also be one array or object, or several one
after another.  Lines that are no UTF-8 are read as in other documents (`documents.encodings`).
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct

from ..documents.encoding_findings import TextDamage
from ..documents.encodings import decode, is_wide, legacy_encoding
from ..documents.lenient import json_problem, may_need_mending, mended
from ..documents.literals import BEHIND, as_json, value_behind
from ..documents.moments import moment_in
from ..documents.nested_json import parsed
from ..documents.tables import JSON_CELL, cells_by_name
from ..documents.utf8_damage import encoded_once, halves_in, held_in, is_damaged_utf8
from ..errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..documents.lenient import LogProblems

MAX_LINE_BYTES = 1 << 24
"""Chosen: the longest event that there can be is an append of 15 MiB of sound (OpenAI's limit)."""

_MOST_HELD_BYTES = 1 << 28
"""Chosen: a log that is not in lines of UTF-8 is held in memory; a day of events without sound is below 100 MB."""
_ODD_BYTES = 1 << 16
"""Chosen: enough text to recognise an encoding by."""
_PEEKED_BYTES = 4096
"""Chosen: enough to see what a file is."""
_PREFIX_CHARS = 400
"""Characters; chosen: longer than what loggers write before an event."""
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()
_ARRAY = r"\s*(?:\[\s*(?:[{\]]|$)|\{\s*\n\s*[\"'\w]|\{\s*\"[^\"\n]*\"\s*:\s*[\[{]?\s*\n)"
_LITERAL = r"\s*\[?\s*\{\s*['A-Za-z_$]"
"""How an object begins that Python or Node printed."""
_LIST = r"\s*\[\s*(?:\"|\[(?!\s*\[))"
"""A list of lists or texts, which may as well be the first line of many."""
_STREAM = r"\s*(?:event|id|retry|data)?:"
_LIST_OF_OBJECTS = r"\[\s*\{"


class LoggedValue(Struct, frozen=True):
    """A value, the line where it stands (from 1), and the time that is written before it."""

    number: int
    value: Any
    time: str = ""


class LineReader:
    """Reads the values of one file; `torn` is the line that ends too early, `encoding` what it was read in.

    `broken` counts the lines that hold no value.
    """

    def __init__(self, file: BinaryIO, problems: LogProblems) -> None:
        self._problems = problems
        self.torn: int | None = None
        self.broken = 0
        self.encoding = "utf-8"
        self.lost = 0
        self._halves = 0
        self._replaced = 0
        self._was_twice = False
        self._start = file.read(_PEEKED_BYTES)
        file.seek(0)
        if is_wide(self._start):
            decoded = decode(_held(file))
            self.encoding, self.lost = decoded.encoding, decoded.lost
            file = io.BytesIO(decoded.text.encode("utf-8", "replace"))
            self._start = file.getvalue()[:_PEEKED_BYTES]
        self._file = file

    def values(self) -> Iterator[LoggedValue]:
        """Every value, in order."""
        first = self._file.readline(MAX_LINE_BYTES + 1)
        if self._is_array(first):
            decoded = decode(_held(self._file))
            if self.encoding == "utf-8":
                self.encoding, self.lost = decoded.encoding, decoded.lost
            self._was_twice, self._replaced = decoded.was_twice, decoded.text.count("\ufffd")
            is_literal = re.match(_LITERAL, decoded.text)
            yield from self._array(as_json(decoded.text) if is_literal else decoded.text)
            return
        if re.search(JSON_CELL, self._start.decode("utf-8", "replace")) and first.lstrip()[:1] not in b"{[":
            rows = enumerate(cells_by_name(self._text(_held(self._file))), 2)
            yield from (LoggedValue(number, row) for number, row in rows)
            return
        for number, line in enumerate(_lines(first, self._file), 1):
            if line is None:
                self._problems.add(f"line {number}: is longer than {MAX_LINE_BYTES:,} bytes, which no event is")
                continue
            text = self._text(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            if not text.isspace() and text:
                yield from self._line(number, text)

    def _is_array(self, first: bytes) -> bool:
        """Whether values go over lines, or all are one list."""
        start = self._start.decode("utf-8-sig", "replace")
        return bool(re.match(_ARRAY, start)) or (bool(re.match(_LIST, start)) and not _is_whole(first))

    @property
    def damage(self) -> TextDamage:
        """What of the text is not as it was written."""
        return TextDamage(self.lost, self._halves, self._replaced, self._was_twice)

    def _text(self, line: bytes) -> str:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return self._odd_text(line)
        if not text.isascii():
            once = encoded_once(text)
            self._was_twice = self._was_twice or once != text
            self._replaced += once.count("\ufffd")
            return once
        return text

    def _odd_text(self, line: bytes) -> str:
        encoding = self.encoding
        if is_damaged_utf8(line):
            encoding = "utf-8"
        elif encoding == "utf-8":
            encoding = self.encoding = legacy_encoding(self._odd_lines(line)) or "ascii"
        text = line.decode(encoding, "replace")
        self.lost += text.count("\ufffd") - line.count(b"\xef\xbf\xbd")
        return text.replace("\ufffd", "?")

    def _odd_lines(self, line: bytes) -> bytes:
        """Some of the lines from here on that are no UTF-8, by which their encoding is recognised."""
        place, odd = self._file.tell(), [line]
        size = len(line)
        while size < _ODD_BYTES and (following := self._file.readline(MAX_LINE_BYTES)):
            try:
                following.decode()
            except UnicodeDecodeError:
                odd.append(following)
                size += len(following)
        self._file.seek(place)
        return b"".join(odd)

    def _line(self, number: int, text: str) -> Iterator[LoggedValue]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            try:
                value, place = value_behind(text)
            except ValueError:
                if (closed := parsed(text)) is not None:
                    yield LoggedValue(number, closed)
                    return
            else:
                yield LoggedValue(number, self._mended(value, text), moment_in(text[:place]))
                return
            if re.match(_STREAM, text) and re.search(BEHIND, text[:_PREFIX_CHARS]) is None:
                return  # what server-sent events have beside their data
            if text.endswith("\n") or not isinstance(error, json.JSONDecodeError):
                self.broken += 1
                self._problems.add(f"line {number}: is not valid JSON ({json_problem(error)})")
            else:
                self.torn = number
            return
        yield LoggedValue(number, self._mended(value, text))

    def _mended(self, value: Any, text: str) -> Any:
        """A value without halves of surrogate pairs, but for those between the pieces of a text (`log` counts them)."""
        if "\\u" not in text or not may_need_mending(text):
            return value
        whole = mended(value, "delta")
        self._halves += halves_in(text) - held_in(json.dumps(whole, ensure_ascii=False))
        return whole

    def _array(self, text: str) -> Iterator[LoggedValue]:
        """The items of a JSON array, one at a time; several values one after another do as well."""
        at, line, counted = 0, 1, 0
        inside = False
        while (at := _skip(text, at, _SPACE + ("," if inside else ""))) < len(text):
            line, counted = line + text.count("\n", counted, at), at
            if text[at] in "[]" and inside == (text[at] == "]"):
                inside = not inside
                at += 1
                continue
            try:
                value, end = _DECODER.raw_decode(text, at)
            except RecursionError:
                self._problems.add(f"line {line}: is not valid JSON (nested too deeply); what follows was not read")
                return
            except ValueError:
                salvaged = None if inside else re.compile(_LIST_OF_OBJECTS).search(text, at)
                if salvaged is not None:  # an object that is not whole: its list is
                    at = salvaged.start()
                    continue
                if inside and _may_be_torn(text, at):
                    self.torn = line
                else:
                    self._problems.add(f"line {line}: is not valid JSON; what follows was not read")
                return
            yield LoggedValue(line, self._mended(value, text[at:end]))
            at = end
        if inside:
            self.torn = line


def _held(file: BinaryIO) -> bytes:
    """All of a file (RecordingError where it is too large for that)."""
    file.seek(0)
    data = file.read(_MOST_HELD_BYTES + 1)
    if len(data) > _MOST_HELD_BYTES:
        raise RecordingError(
            f"the log of events is one value of more than {_MOST_HELD_BYTES:,} bytes, or no UTF-8",
            hint="write it as JSON Lines, an event a line: jq -c '.[]' events.json > events.jsonl",
        )
    return data


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(line: bytes, file: BinaryIO) -> Iterator[bytes | None]:
    """`line` and those that follow it in a file; None for one that is too long, which is not held."""
    while line:
        if len(line) <= MAX_LINE_BYTES or line.endswith(b"\n"):
            yield line
        else:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES)
            yield None
        line = file.readline(MAX_LINE_BYTES + 1)


def _skip(text: str, at: int, characters: str) -> int:
    while at < len(text) and text[at] in characters:
        at += 1
    return at


def _may_be_torn(text: str, at: int) -> bool:
    """Whether the item at `at` is the last of its array, and not the array's end but the text's stopped it."""
    return not text.rstrip().endswith("]") and "\n" not in text[at:].strip()
