"""Placed utterances -> cues -> files: captions that people can read, in every format from one set of integers.

The stage in order: a transcript is read (`captioning.transcript`), each speaker's turns are split into cues
(`split`), the cues get their final times (`cue_timing`), and formats write them (`formats`).  The same way is gone
after a merge and from a transcript.json that was published long ago, so both give the same captions.  What a caption
may look like is data (`captioning.profiles`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from .captioning.cell_width import cells
from .captioning.chapters import CHAPTERS, chapters
from .captioning.cue_timing import settle
from .captioning.cues import Cue, Spoken, Word
from .captioning.formats.registry import FORMATS, RenderOptions, find_formats, render
from .captioning.overlaps import one_at_a_time
from .captioning.profiles import PROFILES, find_profile, read_profile, rules_for
from .captioning.speakers import label_of, speaker_name, synthetic_roles
from .captioning.split import crowded, in_turn, split, turns_of
from .captioning.transcript import duration_ms, lost_stretches, read_transcript
from .errors import UsageError
from .options import CaptionOptions, Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .captioning.quality_check import Problem

__all__ = [
    "CHAPTERS",
    "FORMATS",
    "PROFILES",
    "CaptionDraft",
    "CaptionOptions",
    "Captions",
    "Cue",
    "Profile",
    "Spoken",
    "Word",
    "caption",
    "draft_of",
    "find_formats",
    "find_profile",
    "make_cues",
    "options_json",
    "profile_of",
    "read_options",
    "read_transcript",
    "resolved",
    "speaker_name",
    "synthetic_roles",
]


_MOST_HOURS_MS = 100 * 3_600_000
"""Milliseconds; from here on hours have three digits (by definition), which WebVTT allows and many players do not."""
_USUAL_AUDIO = "audio.webm"
_MOST_OF_A_MESSAGE = 120  # characters; chosen: a line of a terminal


def resolved(options: CaptionOptions, own_profiles: Mapping[str, Mapping[str, Any]] | None = None) -> CaptionOptions:
    """Options whose profile and formats are known to be there, with the rules in the place of a name (UsageError)."""
    profile = options.profile
    names = tuple(form.name for form in find_formats(options.formats))
    if not names:
        raise UsageError("no caption format is named", hint=f"the formats are {', '.join(FORMATS)}")
    rules = find_profile(profile, own_profiles) if isinstance(profile, str) else profile
    return replace(options, profile=rules, formats=names)


def profile_of(options: CaptionOptions) -> Profile:
    """The rules of the options' profile (UsageError for a name of none)."""
    return find_profile(options.profile) if isinstance(options.profile, str) else options.profile


def options_json(options: CaptionOptions) -> dict[str, Any]:
    """Options as a report has them: what captions depend on beside the transcript (UsageError)."""
    options, stamps = resolved(options), options.timestamp_map
    return {
        **asdict(options),
        "profile": asdict(profile_of(options)),
        "formats": list(options.formats),
        "timestamp_map": stamps and [*stamps],
    }


def read_options(settings: object) -> CaptionOptions:
    """The options that `options_json` wrote down (ValueError where it cannot have)."""
    names = set(CaptionOptions.__struct_fields__)
    if not isinstance(settings, dict) or set(settings) != names:
        raise ValueError("no settings of captions")
    values = dict(settings)
    formats, stamps = values.pop("formats"), values.pop("timestamp_map")
    are_formats = isinstance(formats, list) and all(isinstance(name, str) and name in FORMATS for name in formats)
    are_stamps = stamps is None or (isinstance(stamps, list) and [type(one) for one in stamps] == [int, int])
    try:
        profile = read_profile(values.pop("profile"))
    except UsageError as error:
        raise ValueError(error.message) from error
    if not are_formats or not are_stamps:
        raise ValueError("no settings of captions")
    stamp = (stamps[0], stamps[1]) if stamps else None
    try:
        return CaptionOptions(profile=profile, formats=tuple(formats), timestamp_map=stamp, **values)
    except UsageError as error:
        raise ValueError("no settings of captions") from error


class Captions(Struct, frozen=True):
    """What `caption` made: files by name, the cues they show, and what of the transcript could not be used.

    `cues` may overlap where speakers do; `single` are the same for formats that show one cue at a time.  `doubtful` are
    the utterances whose place is not sure; `notices` say what players may not be able to read, `remarks` what is
    estimated and could be measured.
    """

    files: dict[str, str]
    cues: list[Cue]
    single: list[Cue]
    problems: list[str]
    options: CaptionOptions
    doubtful: list[Spoken]
    notices: list[str]
    remarks: list[str]

    @property
    def profile(self) -> Profile:
        return profile_of(self.options)

    def check(self) -> dict[str, list[Problem]]:
        """What breaks the profile, by format."""
        from .captioning.quality_check import check  # noqa: PLC0415 - a merge makes captions and asks nothing of them

        return {
            form.name: check(self.single if form.one_at_a_time else self.cues, self.profile)
            for form in find_formats(self.options.formats)
            if not form.is_label
        }


def caption(
    transcript: Mapping[str, Any],
    options: CaptionOptions,
    *,
    note: str = "",
    audio: str = _USUAL_AUDIO,
    report: Mapping[str, Any] | None = None,
) -> Captions:
    """The captions of a transcript (`sessiontool.transcript/1`), as the text of each file.

    `note` says where they are from, and `audio` is the name of the sound's file; `report` (`sessiontool.report/1`) has
    the lost stretches.  UsageError where a format's package is missing.
    """
    spoken, problems = read_transcript(transcript, options)
    doubtful = [one for one in spoken if one.doubt is not None]
    draft = draft_of(spoken, transcript, options, note=note, audio=audio, report=report)
    single = list(draft.one_at_a_time())
    files = {name: "".join(text) for name, text in draft.files(single)}
    has_mouth = any(form.has_mouth for form in find_formats(options.formats))
    remarks = _mouths(draft.said) if has_mouth else []
    return Captions(files, draft.cues, single, problems, options, doubtful, draft.notices(), remarks)


class CaptionDraft(Struct, frozen=True):
    """Captions that can be written: `cues`, and in `said` what labels show.

    What a file needs beyond them is made when it is written, and let go: for a day it is more than should be held.
    """

    cues: list[Cue]
    said: list[Spoken]
    options: CaptionOptions
    look: RenderOptions
    chapters: str | None

    def one_at_a_time(self) -> Iterator[Cue]:
        """The cues for formats that show one at a time."""
        look = self.look
        return one_at_a_time(self.cues, look.profile, end_ms=look.end_ms, names=look.speakers)

    def files(self, single: Iterable[Cue] | None = None) -> Iterator[tuple[str, Iterable[str]]]:
        """The name of each file and its text in pieces (UsageError); `single` is `one_at_a_time`, if it is there."""
        for form in find_formats(self.options.formats):
            if form.is_label:
                text = render(form, [one for one in self.said if form.role in {"", one.role}], self.look)
            elif form.one_at_a_time:
                text = render(form, self.one_at_a_time() if single is None else single, self.look)
            else:
                text = render(form, self.cues, self.look)
            yield form.file_name, text
        if self.chapters is not None:
            yield CHAPTERS, (self.chapters,)

    def notices(self) -> list[str]:
        """What players may not be able to read."""
        return _late(self.cues)


def draft_of(
    spoken: list[Spoken],
    transcript: Mapping[str, Any],
    options: CaptionOptions,
    *,
    note: str = "",
    audio: str = _USUAL_AUDIO,
    report: Mapping[str, Any] | None = None,
) -> CaptionDraft:
    """The captions of what was said, which is taken out of `spoken`; the other arguments are those of `caption`.

    Of the transcript all but the utterances is read.
    """
    profile, end_ms = profile_of(options), duration_ms(transcript)
    if options.mark_gaps and report:
        spoken += lost_stretches(report)
    language = next((one.language for one in spoken if one.language), "")
    are_labels = any(form.is_label for form in find_formats(options.formats))
    said = sorted((one for one in spoken if one.speaker and are_labels), key=lambda one: (one.start_ms, one.end_ms))
    cues = make_cues(spoken, profile, end_ms=end_ms, named=options.speakers)
    language = language or next(filter(None, (cue.language for cue in cues)), "")
    look = RenderOptions(
        profile, note, options.speakers, options.styles, options.karaoke, options.timestamp_map, language, end_ms
    )
    look = replace(look, synthetic=synthetic_roles(transcript), audio=audio)
    return CaptionDraft(cues, said, options, look, chapters(transcript, end_ms, profile, note))


def _mouths(said: Sequence[Spoken]) -> list[str]:
    """How far shapes of mouths are those of the sound."""
    from .captioning.labels.mouth_shapes import estimated  # noqa: PLC0415 - which few captions have

    unheard, count = estimated(said)
    foreign = sorted({one.language for one in said if one.language and not one.language.lower().startswith("en")})
    remarks = []
    if unheard:
        remarks.append(f"the mouth shapes of {unheard} of {count} words are by spelling: --phones looks in the sound")
    if foreign and unheard < count:
        remarks.append(
            f"the sounds of words in {', '.join(foreign)} are by rough rules, as an English model hears them"
        )
    return remarks


def _late(cues: Sequence[Cue]) -> list[str]:
    """That some players cannot read the times of a very long recording."""
    late = sum(cue.start_ms >= _MOST_HOURS_MS for cue in cues)
    return [f"{late} cue(s) begin after 99:59:59: players that read two digits of hours lose them"] if late else []


def make_cues(spoken: list[Spoken], profile: Profile, *, end_ms: int | None = None, named: bool = True) -> list[Cue]:
    """The cues of what was said, by start: every word once, in order for each speaker.

    `end_ms` is the recording's length; `named`: a speaker's name must fit before the first line of a turn.  `spoken` is
    emptied, and each turn let go when it has cues: those of a day are as much as these.
    """
    ordered = in_turn(spoken)
    spoken.clear()
    together = crowded(ordered)
    ends = [end for _, end in together]
    cues: list[Cue] = []
    turns = deque(turns_of(ordered, profile.join_ms))
    ordered.clear()
    while turns:
        turn = turns.popleft()
        start, end = turn.spoken[0].start_ms, turn.spoken[-1].end_ms
        place = bisect_left(ends, start + 1)
        beside = _until(together[place:], end) if place < len(together) and together[place][0] < end else []
        rules = rules_for(profile, turn.language)
        label = label_of(turn.spoken[0].speaker, rules) if named and profile.line_cells else ""
        cues += split(turn, rules, beside, cells(label) + 1 if label else 0)
    return settle(cues, profile, end_ms)


def _until(stretches: Iterable[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    return [stretch for stretch in stretches if stretch[0] < end]


def cue_times(text: str, name: str) -> list[tuple[int, int]]:
    """Starts and ends, in ms, of the cues in a file that we wrote: `name` says whether WebVTT or SRT (ValueError)."""
    if name.endswith(".srt"):
        from datetime import timedelta  # noqa: PLC0415

        import srt  # noqa: PLC0415

        millisecond = timedelta(milliseconds=1)
        try:
            return [(cue.start // millisecond, cue.end // millisecond) for cue in srt.parse(text)]
        except (srt.SRTParseError, OverflowError) as error:
            raise ValueError(_first_line(error)) from error
    import webvtt  # noqa: PLC0415

    try:
        cues = webvtt.WebVTT.from_string(text).captions
        return [(cue.start_time.in_milliseconds(), cue.end_time.in_milliseconds()) for cue in cues]
    except (webvtt.errors.MalformedFileError, webvtt.errors.MalformedCaptionError) as error:
        raise ValueError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:_MOST_OF_A_MESSAGE]
