"""What a caller may choose: frozen values, and of each of their fields what it is, for every way to set it.

A field is declared once, by `option`: its type, default, help, choices, how it is shown, and whether it changes a
result.  From that come its option on the command line, its key in the file, its variable, its row in the documentation
(all by `config`), and its part in the fingerprint of a result (`result_settings`).  An option is added by adding a
field.

The values only go down: they are made at the top, from the command line or by a caller of the Python interface, and
nothing below changes them.
"""

# Annotations are values here and no texts, as they are read: no `from __future__ import annotations`.

from datetime import tzinfo
from typing import Annotated, Any, Literal, get_args

from msgspec import Struct, field

from .option_declaration import check_options, option, options_of

Pauses = Literal["close", "keep"]
Checksums = Literal["when_supported", "when_required"]
Prefer = Literal["events", "utterances"]
CaptionText = Literal["heard", "generated"]
LogFormat = Literal["text", "json"]
FailOn = Literal["failed", "partial", "warning"]

_MOST_TICKS = 1 << 33
"""MPEG-2 time stamps have 33 bits (ISO/IEC 13818-1, section 2.4.3.7)."""
_MIB = 1 << 20
"""Bytes, by definition."""


def read_formats(text: str) -> tuple[str, ...]:
    """The names in a list, between commas or spaces."""
    return tuple(text.replace(",", " ").split())


def read_timestamp_map(text: str) -> tuple[int, int]:
    """`TICKS` or `TICKS:MS`: a time of MPEG-2 (90 kHz) and the local milliseconds that mean the same (ValueError)."""
    ticks, _, local_ms = text.partition(":")
    numbers = [one for one in (ticks, local_ms or "0") if one.isascii() and one.isdigit() and len(one) <= 10]
    if len(numbers) != 2 or int(ticks) >= _MOST_TICKS:
        raise ValueError("TICKS or TICKS:MS, for example 900000 or 900000:1500")
    return int(numbers[0]), int(numbers[1])


# -- where things are

STORE = "Where things are"
PUBLISHING = "Publishing on S3"
MERGING = "Merging"
CAPTIONS = "Captions"
RUNS = "Many sessions"
MESSAGES = "Messages"


class S3Options(Struct, frozen=True):
    """What boto3's own credential chain and configuration do not say; None leaves it to them.

    `sse` (`AES256`, `aws:kms`), `sse_kms_key_id` and `tags` (`name=value,name=value`) hold for all that is stored.
    """

    profile: Annotated[str | None, option("The AWS profile to use.", STORE, metavar="NAME")] = None
    region: Annotated[str | None, option("The AWS region to use.", STORE, metavar="NAME")] = None
    endpoint_url: Annotated[str | None, option("The URL of an S3 server that is not AWS.", STORE, metavar="URL")] = None
    checksums: Annotated[
        Checksums | None,
        option(
            "When S3 gets checksums: when_supported, or when_required for servers that know none.",
            STORE,
            choices=get_args(Checksums),
            metavar="WHEN",
        ),
    ] = None
    connect_timeout_s: float = 5
    read_timeout_s: float = 30
    sse: Annotated[str | None, option("How S3 encrypts what is published.", PUBLISHING, metavar="AES256|aws:kms")] = (
        None
    )
    sse_kms_key_id: Annotated[
        str | None, option("The KMS key that S3 encrypts it with.", PUBLISHING, metavar="KEY")
    ] = None
    tags: Annotated[
        str | None, option("The tags of what is published on S3.", PUBLISHING, metavar="NAME=VALUE,...")
    ] = None


class Limits(Struct, frozen=True):
    """How large what is read whole may be, in bytes: each is held in memory, and its size is chosen by others.

    A chunk of an hour has 60 MB at most, an hour of conversation is below 1 MB, a day of mirrored events below 100 MB.
    `report_bytes` holds for report.json, and for each other document of a result.
    """

    chunk_bytes: Annotated[int, option("The largest chunk that is read.", STORE, metavar="N")] = 256 * _MIB
    document_bytes: Annotated[int, option("The largest document of a session that is read.", STORE, metavar="N")] = (
        256 * _MIB
    )
    report_bytes: Annotated[int, option("The largest document of a result that is read.", STORE, metavar="N")] = (
        256 * _MIB
    )


# -- captions


class Profile(Struct, frozen=True):
    """The rules of captions.  Those marked * are hard: a cue beyond them is a failure, beyond the others a warning.

    A rule that is None is not set.  Widths and speeds are in cells: a wide character has two.
    """

    name: str
    line_cells: int | None = 42  # * the longest line
    line_cells_ja: int | None = 26  # * the longest line of Japanese, where that is shorter: 13 full-width characters
    line_cells_zh: int | None = 32  # * of Chinese
    line_cells_ko: int | None = 32  # * of Korean
    lines: int | None = 2  # * the most lines
    warn_cps: float | None = 20.0  # cells a second that are read with ease
    fail_cps: float | None = 25.0  # * cells a second that can be read at all
    warn_wpm: float | None = None  # words a minute that are read with ease
    fail_wpm: float | None = None  # * words a minute that can be read at all
    min_ms: int = 833  # * the shortest cue
    min_word_ms: int = 0  # what each word adds to the shortest that is comfortable
    max_ms: int | None = 7000  # * the longest cue
    gap_ms: int = 80  # * cues touch, or are this far apart
    linger_ms: int = 500  # how long a cue may stand after its sound, to be read
    join_ms: int | None = 1000  # the longest silence between utterances of one speaker that may share a cue
    pause_ms: int = 500  # a silence that is a good place to split

    @property
    def splits(self) -> bool:
        """Whether what one speaker says at a stretch is split at all."""
        return (self.line_cells is not None and self.lines is not None) or self.max_ms is not None

    def comfortable_ms(self, cells: int, words: int) -> float:
        """How long a reader wants to see so much text."""
        wanted = cells * 1000 / self.warn_cps if self.warn_cps else 0.0
        if self.warn_wpm:
            wanted = max(wanted, words * 60_000 / self.warn_wpm)
        return max(wanted, words * self.min_word_ms) if self.min_word_ms else wanted

    def readable_ms(self, cells: int, words: int) -> float:
        """How long a reader needs for so much text; in less it cannot be read."""
        needed = cells * 1000 / self.fail_cps if self.fail_cps else 0.0
        return max(needed, words * 60_000 / self.fail_wpm) if self.fail_wpm else needed


class CaptionOptions(Struct, frozen=True):
    """What the captions of a session look like.

    `profile` is the name of a built-in one, or the rules themselves.  `text`: what was heard of a turn that was cut
    off, or all that was meant to be said.  `timestamp_map` is (MPEG-2 ticks of 90 kHz, local milliseconds) that mean
    the same moment.
    """

    profile: Annotated[
        str | Profile,
        option(
            "The rules of captions: default, netflix, bbc, dcmp, podcast or your own.",
            CAPTIONS,
            metavar="NAME",
            changes_result=True,
        ),
    ] = "default"
    formats: Annotated[
        tuple[str, ...],
        option(
            "The caption files: some of vtt, srt, ttml, ass, txt, json, csv; as labels ctm, audacity, textgrid, "
            "words-json, premiere-csv, talkinghead, rhubarb, rhubarb-user.",
            CAPTIONS,
            metavar="NAME,...",
            read=read_formats,
            changes_result=True,
        ),
    ] = ("vtt", "srt")
    speakers: Annotated[bool, option("Show who speaks.", CAPTIONS, changes_result=True)] = True
    text: Annotated[
        CaptionText,
        option("What captions show of a cut-off turn.", CAPTIONS, choices=get_args(CaptionText), changes_result=True),
    ] = "heard"
    mark_gaps: Annotated[bool, option("Note where sound is lost or has no text.", CAPTIONS, changes_result=True)] = (
        False
    )
    mark_doubt: Annotated[
        bool,
        option(
            "Put [?] before utterances whose place is not sure.", CAPTIONS, short="--mark-doubt", changes_result=True
        ),
    ] = False
    markdown: Annotated[bool, option("Show the marks of Markdown in texts.", CAPTIONS, changes_result=True)] = False
    styles: Annotated[
        bool, option("WebVTT: a colour for each role; some players then show nothing.", CAPTIONS, changes_result=True)
    ] = False
    karaoke: Annotated[
        bool, option("WebVTT: a time for each word, where words have one.", CAPTIONS, changes_result=True)
    ] = False
    timestamp_map: Annotated[
        tuple[int, int] | None,
        option(
            "WebVTT for HLS: the MPEG-2 time of a local time.",
            CAPTIONS,
            metavar="TICKS[:MS]",
            read=read_timestamp_map,
            changes_result=True,
        ),
    ] = None

    def __post_init__(self) -> None:
        check_options(self)


# -- a merge


class LogOptions(Struct, frozen=True):
    """How a log is to be read.

    `fields` has the names of fields, each behind what they hold, `unit_ms` is what a plain number counts,
    `zone` is of local times, `roles` maps names as in the log (in any case of letters) to `user` and `assistant`, and
    `speaker` is the role of entries that name none.
    """

    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unit_ms: float | None = None
    zone: tzinfo | None = None
    roles: tuple[tuple[str, str], ...] = ()
    speaker: str = ""

    def __bool__(self) -> bool:
        return self != LogOptions()

    def names(self, what: str) -> tuple[str, ...]:
        """The fields that may hold something, of `log_options.FIELDS`."""
        return dict(self.fields).get(what, ())

    def settings(self) -> dict[str, Any]:
        """What of it was said, as the report has it."""
        said: dict[str, Any] = {name: list(names) for name, names in self.fields}
        said |= {"unit_ms": self.unit_ms, "zone": None if self.zone is None else str(self.zone)}
        said |= {"roles": dict(self.roles), "speaker": self.speaker}
        return {name: value for name, value in said.items() if value}


class MergeOptions(Struct, frozen=True):
    """How a session is merged.

    `pauses`: closed up, or kept as silence.  `align`: find the utterances in the sound, instead of trusting the log's
    times.  `vad` asks Silero's voice detector where noise is loud (extra `sessiontool[vad]`), `words` finds the time of
    each word too (extra `sessiontool[words]`); both need the alignment.  `page` makes the session's page too.
    `prefer`: whose word counts where utterances.jsonl and the event log both know something of an utterance.  `log`:
    what the fields of such a log mean.  `against` is another recording of the session to compare with: a session's id,
    a file in the session's folder, or a local one (`{session}` in it is the id); `fill_from` fills gaps from it, too.
    `strict` publishes nothing where there are findings, `require_consent` nothing without a recorded consent.  `force`
    writes again what is there, `dry_run` does everything but publish.
    """

    pauses: Annotated[
        Pauses, option("Close pauses up, or keep their length.", MERGING, choices=get_args(Pauses), changes_result=True)
    ] = "close"
    align: Annotated[
        bool,
        option("Find the utterances in the sound, instead of trusting the log's times.", MERGING, changes_result=True),
    ] = True
    vad: Annotated[
        bool,
        option(
            "Ask Silero's voice detector where noise is loud; needs sessiontool[vad].", MERGING, changes_result=True
        ),
    ] = False
    words: Annotated[
        bool, option("Find the time of each word too; needs sessiontool[words].", MERGING, changes_result=True)
    ] = False
    page: Annotated[
        bool, option("Make the page too.  Of the session: index.html, and peaks.dat.", MERGING, changes_result=True)
    ] = False
    prefer: Annotated[
        Prefer,
        option(
            "Whose word counts where utterances and events both know.",
            MERGING,
            choices=get_args(Prefer),
            changes_result=True,
        ),
    ] = "utterances"
    against: Annotated[
        str | None,
        option("Compare with another recording of the session.", MERGING, metavar="ID|FILE", changes_result=True),
    ] = None
    fill_from: Annotated[
        str | None, option("Fill gaps from it too, encoded again.", MERGING, metavar="ID|FILE", changes_result=True)
    ] = None
    log: LogOptions = field(default_factory=LogOptions)
    captions: CaptionOptions = field(default_factory=CaptionOptions)
    strict: Annotated[bool, option("Publish nothing if there are findings (exit 4).", MERGING)] = False
    require_consent: Annotated[
        bool, option("Merge nothing without a whole consent in session.json (exit 4).", MERGING)
    ] = False
    force: Annotated[
        bool,
        option("Write again what is there already, even if nothing changed.", MERGING, short="-f", is_setting=False),
    ] = False
    dry_run: Annotated[bool, option("Do everything but publish.", MERGING, short="-n", is_setting=False)] = False

    def __post_init__(self) -> None:
        check_options(self)


def result_settings(options: MergeOptions) -> dict[str, Any]:
    """Those options by name that change the result and are set, but for the log's and the captions'."""
    named = {name: getattr(options, name) for name, meta in options_of(MergeOptions).items() if meta.changes_result}
    return {name: value for name, value in named.items() if value is not None}
