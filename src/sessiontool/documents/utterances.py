"""A log of utterances, as the contract has it or as other programs write it -> utterances on the session clock.

The steps: bytes to text (`encodings`), text to entries (`entries`, `cues`), entries to fields (`fields`), names to
roles (`roles`), times to the session clock (`moments`, `log_clock`), results of a recogniser to utterances (`pieces`).
The first reading is the contract's own; what is not of it is understood by what the log as a whole says.

Nothing in a log is fatal.  Where one was not understood, one finding says which fields it has, and what to write into
the settings.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ..model import Finding, Utterance
from ..options import LogOptions
from .encoding_findings import TextDamage, encoding_findings
from .encodings import decode
from .entries import FoundEntries, Troubles, entries_in
from .entry_order import in_order
from .fields import Entry, entry_of
from .lenient import LogProblems, is_writable, kind_of, shown
from .log_clock import SessionTimes
from .log_options import ROLES
from .log_times import LogReading, set_times
from .models import UtteranceDocument
from .pieces import joined
from .planned import Planned
from .reading import read_object
from .roles import UNSPOKEN, USER, names_of, role_named, roles_of, roles_of_channels
from .spoken_piece import SpokenPiece
from .spoken_text import spoken, without_labels
from .tables import likely_fields
from .unspoken import kinds_that_speak, own_ids, why_silent
from .utf8_damage import halves_in

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Iterator, Mapping, Sequence


_LITTLE = 0.5
"""Share, chosen: where fewer of the entries than this could be read, the log was not understood."""
_LISTED = 8
"""Number of names that a message lists, on a line; chosen."""
_DEFAULT_OPTIONS = LogOptions()
_DEFAULT_TIMES = SessionTimes()


def read_utterances(
    data: bytes,
    name: str,
    *,
    options: LogOptions = _DEFAULT_OPTIONS,
    times: SessionTimes = _DEFAULT_TIMES,
    speakers: Mapping[str, Any] | None = None,
    channels: Sequence[str] = (),
    session: Collection[str] = (),
) -> tuple[list[Utterance], list[Finding]]:
    """The utterances of a log, in its order, and what is to be said of it.

    An utterance without an id gets one from its place (`line-7`).  `speakers` and `channels` are session.json's;
    `session` are the ids of the session, by which those of others in the log are left out.
    """
    reading = LogReading(name, options, times, names_of(speakers or {}, dict(options.roles)))
    pieces = _pieces(reading, _text_of(reading, data), channels, session)
    set_times(reading, pieces)
    said = deque(joined(in_order(reading, pieces)))
    pieces.clear()  # of a day more than all else that a merge holds
    utterances = list(_utterances(reading, said))
    problems = list(_problems(reading))
    return utterances, [*reading.findings, *problems]


# -- entries


def _text_of(reading: LogReading, data: bytes) -> str:
    decoded = decode(data)
    damage = TextDamage(decoded.lost, halves_in(decoded.text), decoded.text.count("\ufffd"), decoded.was_twice)
    reading.findings += encoding_findings(reading.name, decoded.encoding, damage)
    return decoded.text


def _pieces(reading: LogReading, text: str, channels: Sequence[str], session: Collection[str]) -> list[SpokenPiece]:
    """The entries that are speech, each with its role and its text, still without times."""
    entries: deque[Entry] = deque()
    troubles = Troubles(LogProblems(), reading.problems, reading.unread)
    for found in without_labels(entries_in(text, reading.name, troubles)):
        if isinstance(found, FoundEntries):
            if not isinstance(found.value, dict):
                troubles.broken.add(f"{found.place}: is {kind_of(found.value)}")
                continue
            reading.add_keys(tuple(found.value))
            entries.append(entry_of(found.value, found.place, reading.options, reading.speakers))
        else:
            entries.append(found)
    entries = _without_silent(reading, entries, session)
    if any(entry.text is None or entry.role is None for entry in entries):
        reading.guesses = likely_fields([entry.rest for entry in entries], {what for e in entries for what in e.names})
    reading.problems.merge(troubles.broken)
    reading.count = troubles.broken.count
    seen = [entry.role for entry in entries if entry.role]
    roles = roles_of(seen, {**reading.speakers, **roles_of_channels(seen, channels)})
    has_one_voice = len(channels) == 1 and not seen
    return list(_speaking(reading, entries, roles, has_one_voice=has_one_voice))


def _without_silent(reading: LogReading, entries: deque[Entry], session: Collection[str]) -> deque[Entry]:
    """The entries that may be speech of the session, by what they say of themselves."""
    speaking, own = kinds_that_speak(entries), own_ids(entries, session)
    has_spoken = any(entry.how_said == "spoken" for entry in entries)
    kept: deque[Entry] = deque()
    while entries:
        entry = entries.popleft()
        if why := why_silent(entry, speaking, own, has_spoken=has_spoken):
            reading.silent[why] += 1
        else:
            kept.append(entry)
    return kept


def _speaking(
    reading: LogReading, entries: deque[Entry], roles: Mapping[str, str], *, has_one_voice: bool
) -> Iterator[SpokenPiece]:
    """The entries that are speech; each is let go, as those of a day are most of what a merge would hold.

    `has_one_voice`: no entry says who speaks, and as there is one channel none has to.
    """
    has_final = any(not entry.is_interim for entry in entries)
    planned = Planned()
    while entries:
        entry = entries.popleft()
        role = roles.get(entry.role, entry.role) if entry.role else reading.options.speaker or None
        if role == UNSPOKEN or (entry.text is None and _kind(entry, reading) == UNSPOKEN):
            reading.silent[entry.role or str(entry.rest.get("type", "entries without speech"))] += 1
            continue
        if entry.is_interim and has_final:
            planned.add(entry, role)
            continue
        if _is_blank(entry, role):
            continue
        planned.begin(entry, role)
        reading.count += 1
        fields = {**entry.rest, **entry.known}
        if entry.text is not None:
            fields["text"] = spoken(entry.text, role or "") if isinstance(entry.text, str) else entry.text
        if role is not None or _has_place(entry) or (entry.text and has_one_voice):
            fields["role"] = role or ""
        model, wrong = read_object(UtteranceDocument, fields)
        reading.problems.extend(f"{entry.place}: {problem}" for problem in wrong)
        if model is None:
            reading.problems.add(f"{entry.place}: left out, as it has no text or no role")
            continue
        if role in ROLES:
            reading.understood += 1
        elif not model.role:
            reading.nameless += 1
        else:
            reading.roles[model.role] += 1
        more = (not entry.is_interim, entry.kind, entry.is_fragment)
        yield SpokenPiece(entry.place, entry.names, model, *more)


def _is_blank(entry: Entry, role: str | None) -> bool:
    """Whether an entry has no words: some recognisers write the spaces between words as words."""
    return isinstance(entry.text, str) and not entry.text.strip() and bool(entry.text or role)


def _has_place(entry: Entry) -> bool:
    """Whether an entry says when a role speaks: then the sound may tell who does."""
    return bool(entry.text) and not entry.names.keys().isdisjoint({"start", "end"})


def _kind(entry: Entry, reading: LogReading) -> str:
    """Whether an entry without a text says that it is no speech."""
    kind = entry.rest.get("type")
    return role_named(kind, reading.speakers) if isinstance(kind, str) else ""


# -- utterances


def _utterances(reading: LogReading, pieces: deque[SpokenPiece]) -> Iterator[Utterance]:
    """What the pieces say; each is let go when it was read."""
    seen: set[str] = set()
    while pieces:
        piece = pieces.popleft()
        model, place = piece.model, piece.place
        name = model.id or place.replace(", ", "-").replace(" ", "-")
        if name in seen:
            reading.problems.add(f"{place}: the id {name!r} was used before")
        seen.add(name)
        start, end, arrived = (_us(piece.times_ms.get(what)) for what in ("start", "end", "arrived"))
        is_arrival = start is None and end is None and arrived is not None
        yield Utterance(
            id=name,
            role=model.role,
            text=model.text,
            t_start_us=arrived if is_arrival and model.role != USER else start,
            t_end_us=arrived if is_arrival and model.role == USER else end,
            interrupted=model.interrupted,
            language=model.language,
            heard_text=model.heard_text,
            arrived_us=arrived if is_arrival else None,
            extra=dict(_writable(model.extra, place, reading.problems)),
        )


def _us(ms: float | None) -> int | None:
    return None if ms is None else round(ms * 1000)


def _writable(fields: dict[str, Any], place: str, problems: LogProblems) -> Iterator[tuple[str, Any]]:
    """The unknown fields that can be handed through: Python reads more than JSON has, and deeper than it writes."""
    for name, value in fields.items():
        if is_writable(value):
            yield name, value
        else:
            problems.add(
                f"{place}, {shown(name)}: left out, as it is nested too deeply or holds a number that is not finite"
            )


# -- what was wrong


def _problems(reading: LogReading) -> Iterator[Finding]:
    """One finding where little or nothing was understood, else one for each problem."""
    if reading.understood < _LITTLE * reading.count:
        reading.findings = [one for one in reading.findings if one.severity != "warning"]
        yield _not_read(reading)
        others = reading.nameless + reading.roles.total()
        if others and (left := reading.count - reading.understood - others):  # whatever the sound tells of the others
            yield _broken(reading.name, f"{left} entries were left out; the first problem: {reading.problems.named[0]}")
    else:
        reading.problems.extend(
            f"role: {role[:40]!r} is neither user nor assistant; it has no channel to be found on ({count} times)"
            for role, count in reading.roles.items()
        )
        if reading.nameless:
            reading.problems.add(f"role: {reading.nameless} entries do not say who speaks")
        yield from all_broken(reading.name, reading.problems)
    yield from all_broken(reading.name, reading.unread)
    if reading.silent:
        named = ", ".join(f"{shown(kind)} ({count})" for kind, count in reading.silent.most_common(_LISTED))
        yield Finding(
            "entries-not-spoken", "info", f"{reading.name}: {reading.silent.total()} entries are no speech: {named}"
        )


def _not_read(reading: LogReading) -> Finding:
    """That a log was not understood, with what was seen of it and what to write into the settings."""
    of = f"{reading.understood} of {reading.count} entries" if reading.understood else "nothing"
    seen = f"; its entries have the fields {_listed(reading.keys)}" if reading.keys else ""
    if reading.roles:
        seen += f"; the speakers are {_listed(reading.roles)}"
        first, second = [*reading.roles, "…"][:2]
        line = f'roles = {{ "{shown(first)}" = "assistant", "{shown(second)}" = "user" }}'
    else:
        line = _missing_fields(reading) if reading.keys or reading.nameless else ""
    if reading.nameless:
        seen += f"; {reading.nameless} entries do not say who speaks"
    why = f" ({reading.problems.named[0]})" if reading.problems.named else ""
    return Finding(
        "log-not-read",
        "warning",
        f"{reading.name}: {of} could be read{why}{seen}"[:480],
        hint=f"write into sessiontool.toml, under [log]: {line}" if line else _FORMATS,
    )


_FORMATS = "docs/formats.md says what is read: JSON, JSON Lines, CSV, SubRip, WebVTT"


def _missing_fields(reading: LogReading) -> str:
    """The lines for what was not found among the fields of a log, by what its fields hold."""
    named = " ".join(reading.problems.named)
    if reading.nameless and "role" not in reading.guesses:
        return 'speaker = "user", or "assistant", whose of the two they all are'
    missing = [what for what in ("text", "role") if f": {what}: " in named]
    wanted = missing or ["role" if reading.nameless else "text"]
    times = [what for what in ("start", "end") if what in reading.guesses]
    return ", ".join(f'{what} = "{shown(reading.guesses.get(what, "…"))}"' for what in (*wanted, *times))


def _listed(counts: Counter[str]) -> str:
    some = ", ".join(shown(name)[:40] for name, _ in counts.most_common(_LISTED))
    return some + (f" and {len(counts) - _LISTED} more" if len(counts) > _LISTED else "")


def all_broken(name: str, problems: LogProblems) -> list[Finding]:
    """A finding for each problem of a document, up to twenty, and one that counts the rest."""
    findings = [_broken(name, problem) for problem in problems.named]
    if (more := problems.count - len(problems.named)) > 0:
        findings.append(_broken(name, f"{more} more problems of this kind"))
    return findings


def _broken(name: str, problem: str) -> Finding:
    return Finding(
        code="document-invalid",
        severity="warning",
        message=f"{name}: {problem}",
        hint="correct the file and merge again with --force; the recording itself is not affected",
    )
