"""Normal is normal: what browsers, recorders and laptops do every day raises no alarm, and what is lost still does.

Empty blobs (Safari, Firefox and `requestData()` give them), chunks named by the clock, a laptop that slept.  Each on
real recordings, against the same recording without that.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mp4_recordings
import ogg_recordings
import pytest
from recordings import LIVE_CLUSTER, SESSIONS

from sessiontool import MergeOptions, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from sessiontool import MergeResult


SAMPLES = Path(__file__).parent.parent / "samples"


class Blobs(NamedTuple):
    """A recording of one part: its blobs in order, and what session.json says of it."""

    data: list[bytes]
    session: dict[str, Any]
    ending: str = "webm"

    @property
    def noted(self) -> list[dict[str, Any]]:
        return self.session["parts"][0]["chunks"]  # type: ignore[no-any-return]


def real(folder: Path, blobs: int, **part: Any) -> Blobs:
    """The first blobs of a recorded session's first part; `part` is what is said otherwise of it."""
    data = [path.read_bytes() for path in sorted((folder / "chunks/000").iterdir())][:blobs]
    document = json.loads((folder / "session.json").read_bytes())
    entry = {**document["parts"][0], **part}
    return Blobs(data, {**document, "parts": [{**entry, "chunks": entry["chunks"][:blobs]}]})


def chrome() -> Blobs:
    return real(SAMPLES / "demo", 6)


def firefox() -> Blobs:
    """Up to the pause, as if it had been stopped there."""
    return real(SESSIONS / "firefox-pause", 3, pauses=[], stop_ms=15_730)


def made(whole: bytes, starts: Sequence[int], blob_ms: int, ending: str) -> Blobs:
    """The blobs of a made recording, of which each but the first begins at one of `starts`."""
    data = [whole[a:b] for a, b in zip((0, *starts), (*starts, len(whole)), strict=True)]
    noted = [{"seq": n, "bytes": len(one), "emitted_ms": (n + 1) * blob_ms + 60} for n, one in enumerate(data)]
    part = {"part": 0, "start_ms": 0, "stop_ms": len(data) * blob_ms, "timeslice_ms": blob_ms, "chunks": noted}
    return Blobs(data, {"session_id": "s", "parts": [part]}, ending)


def mp4() -> Blobs:
    whole = mp4_recordings.made()
    return made(whole.data, [one.start for one in whole.fragments[1:]], 180, "mp4")


def ogg() -> Blobs:
    whole = ogg_recordings.made()
    return made(whole.data, [start for start, _, _ in whole.pages[1:]], 60, "ogg")


RECORDERS: dict[str, Callable[[], Blobs]] = {
    "chrome": chrome,
    "firefox": firefox,
    "mp4": mp4,
    "ogg": ogg,
}


def merged(store: Path, blobs: Blobs, numbers: Sequence[int] | None = None, *, documented: bool = True) -> MergeResult:
    """What a merge makes of blobs that are stored under `numbers`, with or without a session.json."""
    folder = store / "s"
    (folder / "chunks/0").mkdir(parents=True)
    for number, data in zip(numbers or range(len(blobs.data)), blobs.data, strict=True):
        (folder / f"chunks/0/{number}.{blobs.ending}").write_bytes(data)
    if documented:
        (folder / "session.json").write_text(json.dumps({**blobs.session, "session_id": "s"}))
    return merge("s", store=store, options=MergeOptions(align=False))


def codes(result: MergeResult) -> dict[str, str]:
    return {finding.code: finding.severity for finding in result.findings}


def same_sound(a: MergeResult, b: MergeResult) -> bool:
    """Whether two results have the same audio, by the hash that is in their reports."""
    return bool(a.report["outputs"][0] == b.report["outputs"][0])


def assert_no_alarm(result: MergeResult, usual: MergeResult, *more: str) -> None:
    """Nothing but what the same recording has without that, and at most one info for each of `more`."""
    assert result.status == usual.status == "complete", result.findings
    found = [finding.code for finding in result.findings if finding.code not in codes(usual)]
    assert set(found) <= set(more), result.findings
    assert len(found) == len(set(found))
    assert {codes(result)[code] for code in found} <= {"info"}


# -- empty blobs

PLACES: dict[str, Callable[[int], list[int]]] = {
    "first": lambda _: [0],
    "middle": lambda count: [count // 2],
    "last": lambda count: [count],
    "two together": lambda count: [count // 2, count // 2 + 1],
    "every second": lambda count: list(range(1, 2 * count, 2)),
}
"""Which of the numbers of a recording of so many blobs are empty ones', once they are put in."""


def with_empty(blobs: Blobs, places: Sequence[int], noted: str) -> Blobs:
    """A recording with empty blobs under the numbers `places`, noted as such (`0 bytes`), without a size, or not."""
    data, entries = list(blobs.data), list(blobs.noted)
    for place in places:
        data.insert(place, b"")
        near = entries[min(place, len(entries) - 1)]
        entries.insert(place, {"emitted_ms": near.get("emitted_ms"), **({"bytes": 0} if noted == "0 bytes" else {})})
    chunks = [{**entry, "seq": number} for number, entry in enumerate(entries)]
    if noted == "not noted":
        chunks = [chunk for chunk in chunks if chunk["seq"] not in places]
    return blobs._replace(
        data=data, session={**blobs.session, "parts": [{**blobs.session["parts"][0], "chunks": chunks}]}
    )


@pytest.mark.parametrize("noted", ["0 bytes", "without a size", "not noted", "no session.json"])
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("recorder", RECORDERS)
def test_empty_blobs_are_normal(recorder: str, where: str, noted: str, tmp_path: Path) -> None:
    blobs = RECORDERS[recorder]()
    documented = noted != "no session.json"
    places = PLACES[where](len(blobs.data))
    usual = merged(tmp_path / "usual", blobs, documented=documented)
    result = merged(tmp_path / "empty", with_empty(blobs, places, noted), documented=documented)
    assert_no_alarm(result, usual, "chunks-empty")
    assert same_sound(result, usual)
    [message] = [one.message for one in result.findings if one.code == "chunks-empty"] or [str(len(places))]
    assert re.search(rf"\b{len(places)}\b", message)


@pytest.mark.parametrize("noted", ["as it was", "no session.json"])
@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_blob_that_lost_all_its_bytes_is_not_normal(recorder: str, noted: str, tmp_path: Path) -> None:
    """Its size was noted, or the times of those around it show the hole."""
    blobs = RECORDERS[recorder]()
    blobs.data[1] = b""
    result = merged(tmp_path, blobs, documented=noted == "as it was")
    assert result.status == "partial", result.findings


def test_the_last_blob_of_all_is_lost_with_its_bytes(tmp_path: Path) -> None:
    blobs = chrome()
    blobs.data[-1] = b""
    assert merged(tmp_path, blobs).status == "partial"


NOTES: dict[str, tuple[str, ...]] = {
    "all": ("bytes", "sha256", "emitted_ms"),
    "no instants": ("bytes", "sha256"),
    "instants alone": ("emitted_ms",),
}


def with_notes(blobs: Blobs, fields: Sequence[str]) -> Blobs:
    """A recording of whose blobs only these fields are noted."""
    chunks = [{name: value for name, value in one.items() if name in {"seq", *fields}} for one in blobs.noted]
    return blobs._replace(session={**blobs.session, "parts": [{**blobs.session["parts"][0], "chunks": chunks}]})


@pytest.mark.parametrize("noted", NOTES)
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("recorder", ["demo", "firefox"])
def test_what_was_never_stored_before_the_stop_is_lost(recorder: str, count: int, noted: str, tmp_path: Path) -> None:
    """The last blobs are not there, and the recorder's list does not know them."""
    blobs = {"demo": lambda: real(SAMPLES / "demo", 99), "firefox": firefox}[recorder]()
    usual = merged(tmp_path / "usual", with_notes(blobs, NOTES[noted]))
    assert usual.status == "complete", usual.findings
    known = with_notes(blobs._replace(data=blobs.data[:-count]), NOTES[noted])
    del known.noted[-count:]
    result = merged(tmp_path / "lost", known)
    assert result.status == "partial", result.findings
    [missing] = [one for one in result.findings if one.code == "chunk-missing"]
    assert missing.seq == len(blobs.data) - count - 1
    lost = usual.report["packets"]["recorded"] - result.report["packets"]["recorded"]
    assert lost > 0
    assert abs(result.report["duration_s"] - usual.report["duration_s"]) < 0.15


@pytest.mark.parametrize("recorder", ["chrome-1s", "chrome-load", "chrome-silence", "firefox-pause"])
@pytest.mark.parametrize("noted", NOTES)
def test_a_recorder_that_was_stopped_lost_nothing(recorder: str, noted: str, tmp_path: Path) -> None:
    result = merged(tmp_path, with_notes(real(SESSIONS / recorder, 99), NOTES[noted]))
    assert "chunk-missing" not in codes(result), result.findings


def test_a_blob_that_a_busy_page_lost_is_no_sleep(tmp_path: Path) -> None:
    """The blob behind it begins in a cluster of the lost one, whose base of times is gone with it."""
    blobs = real(SESSIONS / "chrome-load", 99)
    for lost in range(1, len(blobs.data) - 2):  # the last one has no cluster of its own that would show it
        data = [one for number, one in enumerate(blobs.data) if number != lost]
        result = merged(tmp_path / str(lost), blobs._replace(data=data), documented=False)
        assert result.status == "partial", (lost, result.findings)
        assert "recorder-suspended" not in codes(result), (lost, result.findings)
        assert codes(result)["sound-lost"] == "error"


@pytest.mark.parametrize("lost", [1, -1])
def test_a_blob_whose_place_a_stranger_took_is_lost(lost: int, tmp_path: Path) -> None:
    """By its notes; at the end of a recording nothing else shows that there was one."""
    blobs = chrome()
    usual = merged(tmp_path / "usual", blobs)
    blobs.data[lost] = firefox().data[1]
    result = merged(tmp_path / "lost", blobs)
    assert result.status == "partial"
    number = lost % len(blobs.data)
    assert {(one.code, one.seq) for one in result.findings} >= {
        ("chunk-foreign", number),
        ("chunk-missing", number),
    }
    assert abs(result.report["duration_s"] - usual.report["duration_s"]) < 0.15


# -- numbers that are times

PACKET = 2880  # samples in each of Chrome's packets
FIRST_MS = 1_717_236_005_875
NUMBERS: dict[str, Callable[[int], int]] = {
    "milliseconds": lambda n: FIRST_MS + n * 5040 + n % 3 * 7,
    "milliseconds, slices of 250 ms": lambda n: FIRST_MS + n * 250 + n % 3,
    "microseconds": lambda n: (FIRST_MS + n * 5040) * 1000 + n * 13,
    "seconds": lambda n: FIRST_MS // 1000 + n * 5,
    "performance.now()": lambda n: 5723 + n * 5037,
}


@pytest.mark.parametrize("noted", ["under the same numbers", "under 0, 1, 2 …", "no session.json"])
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("recorder", RECORDERS)
def test_chunks_named_by_the_clock_are_normal(recorder: str, name: str, noted: str, tmp_path: Path) -> None:
    blobs = RECORDERS[recorder]()
    documented = noted != "no session.json"
    numbers = [NUMBERS[name](n) for n in range(len(blobs.data))]
    usual = merged(tmp_path / "usual", blobs, documented=documented)
    if noted == "under the same numbers":
        for entry, number in zip(blobs.noted, numbers, strict=True):
            entry["seq"] = number
    result = merged(tmp_path / "named", blobs, numbers, documented=documented)
    assert_no_alarm(result, usual)
    assert same_sound(result, usual)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_chunk_that_is_missing_among_those_is_named_once(name: str, tmp_path: Path) -> None:
    blobs = chrome()
    usual = merged(tmp_path / "usual", blobs, documented=False)
    numbers = [NUMBERS[name](n) for n in range(len(blobs.data))]
    del blobs.data[2], numbers[2]
    result = merged(tmp_path / "named", blobs, numbers, documented=False)
    assert result.status == "partial"
    assert [finding.code for finding in result.findings].count("chunk-missing") == 1
    [hole] = [span for span in result.report["timeline"] if span["kind"] == "silence"]
    before, lost = sum(chunk["packets"] for chunk in usual.report["chunks"][:2]), usual.report["chunks"][2]["packets"]
    start, end = hole["output_samples"]
    assert abs(start - before * PACKET) <= 2 * PACKET
    assert abs(end - start - lost * PACKET) <= 2 * PACKET


# -- a laptop that slept

CLOCKS = ("start_ms", "stop_ms", "emitted_ms")
CLUSTER = re.compile(re.escape(LIVE_CLUSTER) + rb"\xe7([\x81-\x88])", re.DOTALL)
PART, FIRST_AFTER = 1, 4  # of the sample: it sleeps before the blob 4 of part 1, while nobody speaks


def shifted_clusters(data: bytes, by_ms: int) -> bytes:
    """A blob whose clusters are timed `by_ms` later."""
    out, at = bytearray(), 0
    for found in CLUSTER.finditer(data):
        end = found.end() + found[1][0] - 0x80
        time_ms = int.from_bytes(data[found.end() : end], "big") + by_ms
        out += data[at : found.start()] + LIVE_CLUSTER + b"\xe7\x84" + time_ms.to_bytes(4, "big")
        at = end
    return bytes(out + data[at:])


def put_to_sleep(folder: Path, by_ms: int, after: Container[str], *, recorder_goes_on: bool) -> None:
    """Let the machine sleep, and its session clock go on; the utterances `after` were said when it was awake again.

    `recorder_goes_on`: the recorder's clock, too, as in Chrome; else it stood still, as in Firefox.
    """
    document = json.loads((folder / "session.json").read_bytes())
    entry = document["parts"][PART]
    woken_ms = entry["chunks"][FIRST_AFTER]["emitted_ms"]  # the first time that somebody looks at the clock again
    for part in document["parts"]:
        for holder in (part, *part["chunks"]):
            holder.update({name: holder[name] + by_ms for name in CLOCKS if holder.get(name, 0) >= woken_ms})
    if recorder_goes_on:
        for chunk in entry["chunks"][FIRST_AFTER:]:
            path = folder / f"chunks/{PART:03d}/{chunk['seq']:06d}.webm"
            path.write_bytes(shifted_clusters(path.read_bytes(), by_ms))
            chunk["bytes"] = path.stat().st_size
    (folder / "session.json").write_text(json.dumps(document))
    lines = [json.loads(line) for line in (folder / "utterances.jsonl").read_text().splitlines()]
    for line in (line for line in lines if line["id"] in after):
        line.update({name: line[name] + by_ms / 1000 for name in ("t_start", "t_end") if line.get(name) is not None})
    (folder / "utterances.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def fell_asleep_samples(report: dict[str, Any]) -> int:
    """Where in the audio the machine falls asleep: behind the packets of the part's blobs before that."""
    [span] = [one for one in report["timeline"] if (one["kind"], one["part"]) == ("recorded", f"{PART:03d}")]
    chunks = [chunk for chunk in report["chunks"] if chunk["part"] == f"{PART:03d}"][:FIRST_AFTER]
    return int(span["output_samples"][0] + PACKET * sum(chunk["packets"] for chunk in chunks))


@pytest.mark.parametrize("name", ["chrome-sleep", "firefox-sleep"])
def test_a_recorded_sleep_is_no_loss_though_it_is_as_long_as_four_chunks(name: str, tmp_path: Path) -> None:
    result = merge(name, store=Path(__file__).parent / "data" / "asleep", output=tmp_path)
    assert result.status == "complete", result.findings
    assert [one.severity for one in result.findings if one.code == "recorder-suspended"] == ["info"]
    [span] = [one for one in result.report["timeline"] if one.get("cause") == "suspended"]
    start, end = span["output_samples"]
    assert (end - start) / 48_000 == pytest.approx(20.0, abs=0.1)
    assert all(one["start_s"] is not None for one in result.transcript["utterances"])


def test_a_late_whole_blob_before_lost_ones_hides_no_loss(copy: Callable[[str], Path]) -> None:
    """A page that hung handed them over together, and lost all but the first: their length is that of whole chunks."""
    folder = copy("demo")
    put_to_sleep(folder, 20_000, (), recorder_goes_on=True)
    document = json.loads((folder / "session.json").read_bytes())
    document["parts"][PART]["chunks"][FIRST_AFTER - 1]["emitted_ms"] += 20_000
    (folder / "session.json").write_text(json.dumps(document))
    result = merge("demo", store=folder.parent)
    assert result.status == "partial", result.findings
    assert "recorder-suspended" not in {finding.code for finding in result.findings}


@pytest.mark.parametrize("by_ms", [18_000, 600_000])  # no multiple of a few chunks: that would be a loss
@pytest.mark.parametrize("recorder_goes_on", [True, False], ids=["the recorder's clock jumped", "it stood still"])
def test_a_laptop_that_slept(
    recorder_goes_on: bool, by_ms: int, copy: Callable[[str], Path], merged_session: Callable[[str], Path]
) -> None:
    usual = json.loads((merged_session("demo") / "report.json").read_bytes())
    right = json.loads((merged_session("demo") / "transcript.json").read_bytes())["utterances"]
    slept_at = fell_asleep_samples(usual)
    after = {one["id"] for one in right if one["start_s"] * 48_000 > slept_at}
    folder = copy("demo")
    put_to_sleep(folder, by_ms, after, recorder_goes_on=recorder_goes_on)
    result = merge("demo", store=folder.parent)
    assert result.status == usual["status"] == "complete", result.findings
    known = [finding["code"] for finding in usual["findings"]]
    assert len([finding for finding in result.findings if finding.code not in known]) <= 1, result.findings
    assert {finding.severity for finding in result.findings} == {"info"}
    # The hole is where the machine slept, and as long.
    holes = [span["output_samples"] for span in result.report["timeline"] if span["kind"] == "silence"]
    start, end = max(holes, key=lambda hole: hole[1] - hole[0])
    assert abs(start - slept_at) <= 2 * PACKET
    assert abs(end - start - by_ms * 48) <= 2 * PACKET
    assert abs(result.report["duration_s"] - usual["duration_s"] - by_ms / 1000) <= 2 * PACKET / 48_000
    assert result.report["packets"]["recorded"] == usual["packets"]["recorded"]
    # Every caption is where it was, those behind the hole later by its length.
    for utterance, before in zip(result.transcript["utterances"], right, strict=True):
        late_s = (end - start) / 48_000 if utterance["id"] in after else 0
        assert utterance["status"] == before["status"], utterance
        assert utterance["start_s"] == pytest.approx(before["start_s"] + late_s, abs=0.1), utterance
        assert utterance["end_s"] == pytest.approx(before["end_s"] + late_s, abs=0.2), utterance


@pytest.mark.parametrize("by_ms", [18_000, 20_000, 3_600_000])
def test_firefox_on_a_laptop_that_slept(by_ms: int, tmp_path: Path) -> None:
    """Its timestamps count samples: only the session clock shows the hole, which is put between the blobs."""
    usual = merged(tmp_path / "usual", firefox())
    blobs = firefox()
    for holder in (blobs.session["parts"][0], *blobs.noted[1:]):
        holder.update({name: holder[name] + by_ms for name in ("stop_ms", "emitted_ms") if name in holder})
    result = merged(tmp_path / "slept", blobs)
    assert result.status == "complete", result.findings
    assert len(result.findings) <= len(usual.findings) + 1
    [hole] = [span["output_samples"] for span in result.report["timeline"] if span["kind"] == "silence"]
    first_blob = usual.report["chunks"][0]["packets"] * 960
    assert abs(hole[0] - first_blob) <= 2 * 960
    assert abs(hole[1] - hole[0] - by_ms * 48) <= 48 * 150  # as far as `dataavailable` is punctual
    assert result.report["packets"]["recorded"] == usual.report["packets"]["recorded"]


# -- pages that are busy, recorders that end by themselves


def busy(blobs: Blobs, first: int, count: int) -> Blobs:
    """A page that does nothing else for the time of some blobs: the first comes when that is over, the rest as one."""
    data, noted = list(blobs.data), [dict(one) for one in blobs.noted]
    late_ms = noted[first + count]["emitted_ms"] - 20
    data[first + 1 : first + count + 1] = [b"".join(data[first + 1 : first + count + 1])]
    noted[first + 1 : first + count + 1] = [noted[first + count]]
    noted[first]["emitted_ms"] = late_ms
    chunks = [{**one, "seq": number, "bytes": len(data[number])} for number, one in enumerate(noted)]
    for one in chunks:
        one.pop("sha256", None)
    return blobs._replace(
        data=data, session={**blobs.session, "parts": [{**blobs.session["parts"][0], "chunks": chunks}]}
    )


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("recorder", ["chrome-load", "mp4"])
def test_a_busy_page_hands_blobs_over_late(recorder: str, count: int, tmp_path: Path) -> None:
    blobs = mp4_in_seconds() if recorder == "mp4" else real(SESSIONS / recorder, 30)
    usual = merged(tmp_path / "usual", blobs)
    for first in range(1, len(blobs.data) - count - 2, 4 if recorder == "mp4" else 2):
        result = merged(tmp_path / f"from {first}", busy(blobs, first, count))
        assert codes(result) == codes(usual)
        assert same_sound(result, usual)


def mp4_in_seconds() -> Blobs:
    """As Chrome's MP4: each blob is fragments of about a second."""
    whole = mp4_recordings.made(fragments=132)
    return made(whole.data, [one.start for one in whole.fragments[6::6]], 1080, "mp4")


def test_a_recorder_whose_tracks_ended_lost_nothing(tmp_path: Path) -> None:
    blobs = chrome()
    noted = [dict(one) for one in blobs.noted]
    noted[-1]["emitted_ms"] = noted[-2]["emitted_ms"] + 2000
    stopped = {**blobs.session["parts"][0], "chunks": noted, "stop_ms": noted[-1]["emitted_ms"] + 20_000}
    result = merged(tmp_path, blobs._replace(session={**blobs.session, "parts": [stopped]}))
    assert (result.status, codes(result).get("recorder-ended")) == ("repaired", "warning"), result.findings
    assert "chunk-missing" not in codes(result)


def test_a_blob_that_is_lost_before_one_of_its_cluster_is_no_sleep(tmp_path: Path) -> None:
    """Numbers and notes go on: the last blob goes on by its own times too, as those count from the lost cluster."""
    blobs = real(SESSIONS / "chrome-pause", 99)
    noted = [one for number, one in enumerate(blobs.noted) if number != len(blobs.noted) - 2]
    chunks = [{**one, "seq": number} for number, one in enumerate(noted)]
    part = {**blobs.session["parts"][0], "chunks": chunks}
    data = [*blobs.data[:-2], blobs.data[-1]]
    result = merged(tmp_path, Blobs(data, {**blobs.session, "parts": [part]}))
    assert result.status == "partial", result.findings
    assert "recorder-suspended" not in codes(result)
    assert codes(result)["sound-lost"] == "error"
