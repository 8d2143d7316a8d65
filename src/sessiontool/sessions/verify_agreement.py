"""Whether the files of a published result agree: the report with itself, and the others with the report.

A report counts the bytes of every chunk, so a changed number shows somewhere else: in another number, in the status, or
in the audio (`verify`).  What it says of the other files is their size and hash; what they say themselves must be the
same session, as long, with as many utterances, and captions must be those that the transcript gives.

All documents here have their shape (`shapes`); a problem is a finding with severity error.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from .. import __version__, captions
from ..errors import UsageError
from ..model import Finding
from . import report
from .corrections import EDITABLE_CAPTIONS
from .result_names import AUDIO_NAMES, CAPTION_FILES, METRICS, OUTPUTS, TRANSCRIPT, audio_of
from .verify_problems import AGAIN, Problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..documents.report_model import Report, ReportChunk
    from ..documents.transcript_model import Transcript

_UNDAMAGED = ("ok", "empty", "altered")
_DOUBTFUL = ("damaged", "altered", "unread")
_EDITED = "if it was edited, keep that first: sessiontool correct ID; then merge the session again"
_CUE_FILES = (".vtt", ".srt")


def verify_report(document: Report) -> list[Finding]:
    """Compare what a report says with what else it says."""
    problems = Problems()
    _verify_ledger(document["chunks"], problems)
    _verify_timeline(document, problems)
    findings = (Finding(one["code"], one["severity"], one["message"]) for one in document["findings"])
    problems.expect(
        "verify-report", "the status that the findings give", report.status_of(findings), document["status"]
    )
    doubtful = [chunk["key"] for chunk in document["chunks"] if chunk["verdict"] in _DOUBTFUL]
    if doubtful and document["status"] == "complete":
        problems.add("verify-report", f"the status is complete, and {doubtful[0]} is not undamaged")
    return problems.findings


def _verify_ledger(chunks: list[ReportChunk], problems: Problems) -> None:
    """Count the bytes of each chunk again."""
    if not chunks:
        problems.add("verify-ledger", "the report names no chunk")
    seen: set[str] = set()
    for chunk in chunks:
        key = chunk["key"]
        if key in seen:
            problems.add("verify-ledger", f"{key} is there twice")
        seen.add(key)
        counted = chunk["payload_bytes"] + chunk["structure_bytes"] + chunk["damaged_bytes"] + chunk["set_aside_bytes"]
        problems.expect("verify-ledger", f"bytes of {key}", chunk["bytes"], counted)
        _verify_stretches(chunk, "damage", chunk["damaged_bytes"], problems)
        _verify_stretches(chunk, "set_aside", chunk["set_aside_bytes"], problems)
        is_damaged = chunk["damaged_bytes"] > 0 or bool(chunk.get("damage"))
        if is_damaged and chunk["verdict"] in _UNDAMAGED:
            problems.add("verify-ledger", f"{key} has damaged bytes, and its verdict is {chunk['verdict']}")
        if chunk["verdict"] == "damaged" and not is_damaged:
            problems.add("verify-ledger", f"{key} has no damaged bytes, and its verdict is damaged")
        if chunk["verdict"] == "empty" and chunk["packets"]:
            problems.add("verify-ledger", f"{key} has {chunk['packets']} packets, and its verdict is empty")
        if bool(chunk["packets"]) != ("packets_sha256" in chunk):
            problems.add("verify-ledger", f"{key} has {chunk['packets']} packets, and no hash of them or one too many")


def _verify_stretches(
    chunk: ReportChunk, name: Literal["damage", "set_aside"], total_bytes: int, problems: Problems
) -> None:
    """The stretches that are listed lie in the chunk, and add up; of very many, those that are left out are more."""
    listed = chunk.get(name, [])
    counted = sum(one["bytes"] for one in listed)
    left_out = chunk.get("damage_more" if name == "damage" else "set_aside_more", 0)
    if counted != total_bytes and not (left_out and counted <= total_bytes):
        problems.add("verify-ledger", f"{chunk['key']}: {name} lists {counted} bytes of {total_bytes}")
    if any(one["byte_offset"] + one["bytes"] > chunk["bytes"] for one in listed):
        problems.add("verify-ledger", f"{chunk['key']}: {name} lists bytes behind the chunk's end")


def _verify_timeline(document: Report, problems: Problems) -> None:
    """The spans follow one another from the start to the end, and what they are made of is counted in `packets`."""
    spans = document["timeline"]
    if not spans:
        problems.add("verify-report", "the timeline is empty")
        return
    ends = [0, *(span["output_samples"][1] for span in spans)]
    starts = [span["output_samples"][0] for span in spans]
    if starts != ends[:-1] or any(a > b for a, b in pairwise(ends)):
        problems.add("verify-report", "the spans of the timeline do not follow one another")
    problems.expect("verify-report", "duration_s by the timeline", report.seconds(ends[-1]), document["duration_s"])
    recorded = sum(chunk["packets"] for chunk in document["chunks"])
    silent = sum(span.get("silent_packets", 0) for span in spans)
    problems.expect("verify-report", "packets, recorded", recorded, document["packets"]["recorded"])
    problems.expect("verify-report", "packets, silent", silent, document["packets"]["silent"])
    filled = sum(span.get("filled_packets", 0) for span in spans)
    problems.expect("verify-report", "packets, filled", filled, document["packets"].get("filled", 0))


def verify_names(document: Report, there: Iterable[str]) -> list[Finding]:
    """Compare the names of the outputs with those that a result can have, and with what is there."""
    problems = Problems()
    named = [output["name"] for output in document["outputs"]]
    for name in (audio_of(document), TRANSCRIPT):
        if name not in named:
            problems.add("verify-outputs", f"{name} is not among the outputs of the report")
    if len(audio := set(named).intersection(AUDIO_NAMES.values())) > 1:
        problems.add("verify-outputs", f"the report names {len(audio)} recordings: {', '.join(sorted(audio))}")
    for name in dict.fromkeys(named):
        if name not in OUTPUTS:
            problems.add("verify-outputs", f"the report names {name[:80]!r}, which is no file of a result")
        if named.count(name) > 1:
            problems.add("verify-outputs", f"the report names {name[:80]!r} twice")
    for name in sorted({*OUTPUTS}.intersection(there).difference(named)):
        problems.add("verify-outputs", f"{name} is there, and the report does not name it")
    return problems.findings


def verify_outputs(sizes_and_digests: Mapping[str, tuple[int, str]], document: Report) -> list[Finding]:
    """Compare each output's size and SHA-256 with the report; a file that is not there is not in the mapping."""
    problems = Problems()
    for output in document["outputs"]:
        found = sizes_and_digests.get(output["name"])
        if found is None and output["name"] in OUTPUTS:
            problems.add("verify-outputs", f"{output['name']} is missing")
        elif found is not None and found != (output["bytes"], output["sha256"]):
            problems.add(
                "verify-outputs",
                f"{output['name']} is not the file that was published: {found[0]:,} bytes, another hash",
                hint=_EDITED if output["name"] in (TRANSCRIPT, *EDITABLE_CAPTIONS) else AGAIN,
            )
    return problems.findings


def verify_transcript(transcript: Transcript, document: Report) -> list[Finding]:
    """Compare a transcript with the report."""
    problems = Problems()
    for name in ("session_id", "duration_s"):
        problems.expect("verify-transcript", f"{name} of {TRANSCRIPT}", document[name], transcript[name])
    count = len(transcript["utterances"])
    problems.expect("verify-transcript", f"utterances in {TRANSCRIPT}", document["utterances"], count)
    return problems.findings


def verify_utterance_times(transcript: Transcript, duration_s: float) -> list[Finding]:
    """Check that utterances are inside the audio, and begin before they end."""
    problems = Problems()
    for utterance in transcript["utterances"]:
        start_s, end_s = utterance["start_s"], utterance["end_s"]
        if start_s is None or end_s is None:
            if start_s is not end_s:
                problems.add("verify-utterances", f"utterance {utterance['id']} has only one of its times")
        elif not 0 <= start_s <= end_s <= duration_s:
            problems.add(
                "verify-utterances", f"utterance {utterance['id']} at {start_s} to {end_s} s is outside of the audio"
            )
    return problems.findings


def verify_cue_times(cues_ms: Iterable[tuple[int, int]], duration_s: float) -> list[Finding]:
    """Check that cues are inside the audio, and begin before they end."""
    problems = Problems()
    for start_ms, end_ms in cues_ms:
        if not 0 <= start_ms < end_ms <= duration_s * 1000 + 500:
            problems.add(
                "verify-captions", f"a cue from {start_ms} to {end_ms} ms is outside of the audio of {duration_s} s"
            )
    return problems.findings


def verify_captions(files: Mapping[str, bytes], transcript: Transcript, document: Report) -> list[Finding]:
    """Compare the files of captions, by name, with those that the transcript gives.

    Of those that another version made, or other settings than the report has, only the times are looked at.
    """
    problems = Problems()
    made = _made_again(transcript, document, problems)
    named = {output["name"] for output in document["outputs"]}
    for name, text in made.items():
        if name not in named:
            problems.add("verify-captions", f"{name} is not among the outputs of the report")
        elif name in files and files[name] != text.encode("utf-8", "replace"):
            problems.add("verify-captions", f"{name} is not what {TRANSCRIPT} gives")
    for name in files:
        if name not in made and name.endswith(_CUE_FILES):
            try:
                cues_ms = captions.cue_times(files[name].decode("utf-8"), name)
            except ValueError as error:
                problems.add("verify-captions", f"{name} cannot be read: {error}")
                continue
            problems.findings += verify_cue_times(cues_ms, document["duration_s"])
    return problems.findings


def verify_metrics(body: bytes | None, transcript: Transcript, document: Report) -> list[Finding]:
    """Compare the figures with those that the transcript and the report give; not those that another version made."""
    from ..metrics.document import metrics_json  # noqa: PLC0415 - what a merge checks has no need of it

    problems = Problems()
    tool = document["tool"]
    is_ours = __version__ == tool["version"] == tool.get("captions_version", tool["version"])
    if (
        body is not None
        and is_ours
        and body != report.to_text(metrics_json(transcript, document)).encode("utf-8", "replace")
    ):
        problems.add("verify-metrics", f"{METRICS} is not what {TRANSCRIPT} and the report give")
    return problems.findings


def _made_again(transcript: Transcript, document: Report, problems: Problems) -> Mapping[str, str]:
    """The captions of a transcript as this version makes them by the settings in the report; none where it cannot."""
    tool = document["tool"]
    if tool.get("captions_version", tool["version"]) != __version__:
        return {}
    try:
        options = captions.read_options(tool.get("settings", {}).get("captions"))
        note, audio = note_of(document["session_id"]), audio_of(document)
        return captions.caption(transcript, options, note=note, audio=audio, report=document).files
    except UsageError:  # a format's package is not installed
        return {}
    except ValueError as error:
        problems.add("verify-report", f"the report does not say how captions are made: {error}")
        return {}


def note_of(session_id: str) -> str:
    """Where captions say that they are from."""
    return f"{session_id}, made by sessiontool {__version__}"


def is_caption_file(name: str) -> bool:
    return name in CAPTION_FILES
