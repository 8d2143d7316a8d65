"""What a merge of real recordings gives: every packet, its true length, words where they sound, captions that agree.

The judge of the sound is PyAV's demuxer and decoder, a reader that shares nothing with ours; `truth.json` beside a
recording has the places of its utterances, measured when it was made, each in the decode of its part alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import av
import pytest
import srt
import webvtt
from s3server import BUCKET

from sessiontool import MergeOptions, MergeResult, merge
from sessiontool.errors import NotFoundError, RecordingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Recorded = Callable[[str], Path]
    Merged = Callable[[str], Path]
    Copy = Callable[[str], Path]

DATA = Path(__file__).parent / "data"
SESSIONS = ("demo", *sorted(path.name for path in (DATA / "sessions").iterdir()))
SILENCE = {b"\xf8\xff\xfe", b"\xfc\xff\xfe"}
"""20 ms of silence, mono and stereo: all that a merge may add."""
FILES = ("audio.webm", "captions.vtt", "captions.srt", "transcript.json", "metrics.json", "report.json")
RATE = 48_000


@dataclass(frozen=True, slots=True)
class Sound:
    """What PyAV reads of a file: packets, their lengths in samples, and how many first samples are not played."""

    packets: tuple[bytes, ...]
    lengths: tuple[int, ...]
    pre_skip: int

    def starts(self) -> list[int]:
        """Where each packet begins, in samples from the first that is played."""
        return [place - self.pre_skip for place in accumulate(self.lengths, initial=0)]


def read(source: Path | io.BytesIO) -> Sound:
    with av.open(source if isinstance(source, io.BytesIO) else str(source), "r") as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.extradata is not None
        pre_skip = int.from_bytes(stream.codec_context.extradata[10:12], "little")
        packets = [packet for packet in container.demux(stream) if packet.size]
        lengths = (int((packet.duration or 0) * (packet.time_base or 0) * RATE) for packet in packets)
        return Sound(tuple(map(bytes, packets)), tuple(lengths), pre_skip)


def recorded_parts(session: Path) -> Iterator[Sound]:
    """Each part as its recorder wrote it: the chunks one after another."""
    for part in sorted((session / "chunks").iterdir(), key=lambda folder: int(folder.name)):
        chunks = sorted(part.iterdir(), key=lambda chunk: int(chunk.stem))
        yield read(io.BytesIO(b"".join(chunk.read_bytes() for chunk in chunks)))


def places(recorded: Sequence[bytes], output: Sequence[bytes]) -> list[int]:
    """The index in `output` of each packet of `recorded`, in order; what stands between them must be silence."""
    found: list[int] = []
    for index, packet in enumerate(output):
        if len(found) < len(recorded) and packet == recorded[len(found)]:
            found.append(index)
        else:
            assert packet in SILENCE, f"packet {index} was never recorded"
    assert len(found) == len(recorded), f"{len(recorded) - len(found)} of {len(recorded)} packets are missing"
    return found


def read_json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


@pytest.fixture(params=SESSIONS)
def session(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(session: str, merged_session: Merged) -> Path:
    return merged_session(session)


def test_every_recorded_packet_is_there_byte_for_byte_and_in_order(
    session: str, folder: Path, recorded_session: Recorded
) -> None:
    recorded = [packet for part in recorded_parts(recorded_session(session)) for packet in part.packets]
    output = read(folder / "audio.webm").packets
    places(recorded, output)
    counted = read_json(folder / "report.json")["packets"]
    assert counted == {"recorded": len(recorded), "silent": len(output) - len(recorded)}


def test_what_is_decoded_is_as_long_as_everything_says(folder: Path) -> None:
    with av.open(str(folder / "audio.webm"), "r") as container:
        assert container.duration is not None
        stated_s = container.duration / 1_000_000
        decoded_s = sum(frame.samples for frame in container.decode(audio=0)) / RATE
    assert decoded_s == pytest.approx(stated_s, abs=0.010)
    assert read_json(folder / "report.json")["duration_s"] == pytest.approx(decoded_s, abs=0.010)
    assert read_json(folder / "transcript.json")["duration_s"] == pytest.approx(decoded_s, abs=0.010)


def true_places(session: Path, audio: Path, truth: Path) -> dict[str, tuple[float, float]]:
    """Where each recorded utterance sounds in `audio`, in seconds: its measured place, followed by packets."""
    parts, output = list(recorded_parts(session)), read(audio)
    found = iter(places([packet for part in parts for packet in part.packets], output.packets))
    starts_there = output.starts()
    moves = []
    for part in parts:
        starts_here = part.starts()
        moves.append([(starts_here[i], starts_there[next(found)]) for i in range(len(part.packets))])

    def moved(part: int, at_s: float) -> float:
        here, there = max(pair for pair in moves[part] if pair[0] <= at_s * RATE)
        return at_s + (there - here) / RATE

    spoken = {}
    for utterance in read_json(truth)["utterances"]:
        if utterance["recorded"]:
            pieces = utterance.get("segments") or [utterance]
            first, last = pieces[0], pieces[-1]
            spoken[utterance["id"]] = moved(first["part"], first["start_s"]), moved(last["part"], last["end_s"])
    return spoken


def truth_of(session: Path) -> Path:
    return DATA / "demo-truth.json" if session.name == "demo" else session / "truth.json"


def test_utterances_are_where_they_sound(merged_session: Merged, recorded_session: Recorded) -> None:
    errors_ms: list[float] = []
    for name in SESSIONS:
        session, folder = recorded_session(name), merged_session(name)
        transcript = {one["id"]: one for one in read_json(folder / "transcript.json")["utterances"]}
        for spoken, (start_s, end_s) in true_places(session, folder / "audio.webm", truth_of(session)).items():
            said = transcript[spoken]
            assert said["start_s"] is not None, f"{name}: {spoken} has no place"
            errors_ms += [abs(said["start_s"] - start_s) * 1000, abs(said["end_s"] - end_s) * 1000]
    assert len(errors_ms) > 100
    assert median(errors_ms) < 40
    assert quantiles(errors_ms, n=20)[-1] < 200


def test_what_was_said_in_a_pause_has_no_place(merged_session: Merged) -> None:
    for name in ("chrome-pause", "firefox-pause"):
        unheard = [
            u["id"] for u in read_json(DATA / "sessions" / name / "truth.json")["utterances"] if not u["recorded"]
        ]
        transcript = {u["id"]: u for u in read_json(merged_session(name) / "transcript.json")["utterances"]}
        assert unheard
        assert {transcript[one]["start_s"] for one in unheard} == {None}


def test_captions_say_what_the_transcript_says(folder: Path) -> None:
    """Every word of every speaker once and in order."""
    placed = sorted(
        (u for u in read_json(folder / "transcript.json")["utterances"] if u["start_s"] is not None),
        key=lambda u: u["start_s"],
    )
    cues = webvtt.read(str(folder / "captions.vtt")).captions
    for speaker in {u["speaker"] for u in placed}:
        said = " ".join(u["text"] for u in placed if u["speaker"] == speaker)
        shown = " ".join(cue.text for cue in cues if cue.voice == speaker)
        assert re.findall(r"[\w']+", shown) == re.findall(r"[\w']+", said)
    subtitles = list(srt.parse((folder / "captions.srt").read_text(encoding="utf-8")))
    assert all(one.end <= after.start for one, after in pairwise(subtitles))
    words = Counter(re.findall(r"[\w']+", " ".join(u["text"] for u in placed)))
    assert words <= Counter(re.findall(r"[\w']+", " ".join(one.content for one in subtitles)))


def test_a_caption_is_shown_while_its_words_sound(folder: Path) -> None:
    shown = [
        (cue.voice, cue.start_time.in_milliseconds(), cue.end_time.in_milliseconds())
        for cue in webvtt.read(str(folder / "captions.vtt")).captions
    ]
    for u in read_json(folder / "transcript.json")["utterances"]:
        if u["start_s"] is not None:
            first_ms, last_ms = round(u["start_s"] * 1000), round(u["end_s"] * 1000) - 1
            for at_ms in (first_ms, (first_ms + last_ms) // 2, last_ms):
                assert any(voice == u["speaker"] and start <= at_ms < end for voice, start, end in shown), u


class TestAgain:
    """What a second merge does to what the first one published."""

    def test_it_leaves_an_unchanged_session_alone(self, copy: Copy) -> None:
        store = copy("chrome-silence").parent
        first = merge("chrome-silence", store=store)
        before = snapshot(store)
        again = merge("chrome-silence", store=store)
        assert (first.unchanged, again.unchanged) == (False, True)
        assert again.report == first.report
        assert snapshot(store) == before

    def test_force_makes_the_same_anew(self, copy: Copy) -> None:
        store = copy("chrome-silence").parent
        first = merge("chrome-silence", store=store)
        before = contents(Path(first.location))
        made_ns = (Path(first.location) / "audio.webm").stat().st_mtime_ns
        again = merge("chrome-silence", store=store, options=MergeOptions(force=True))
        assert not again.unchanged
        assert contents(Path(again.location)) == before
        assert (Path(again.location) / "audio.webm").stat().st_mtime_ns > made_ns

    @pytest.mark.parametrize("changed", ["utterances.jsonl", "session.json", "chunks/000/000002.webm"])
    def test_a_changed_input_is_merged_again(self, copy: Copy, changed: str) -> None:
        session = copy("chrome-silence")
        first = merge(session.name, store=session.parent)
        with (session / changed).open("ab") as file:
            file.write(b"\n")
        again = merge(session.name, store=session.parent)
        assert not again.unchanged
        assert again.report["inputs_fingerprint"] != first.report["inputs_fingerprint"]

    def test_other_options_are_merged_again(self, copy: Copy) -> None:
        session = copy("chrome-silence")
        merge(session.name, store=session.parent)
        assert not merge(session.name, store=session.parent, options=MergeOptions(align=False)).unchanged

    def test_a_dry_run_writes_nothing(self, copy: Copy, tmp_path: Path) -> None:
        session = copy("chrome-silence")
        before = snapshot(tmp_path)
        result = merge(session.name, store=session.parent, options=MergeOptions(dry_run=True))
        assert result.dry_run
        assert len(result.transcript["utterances"]) == len((session / "utterances.jsonl").read_text().splitlines())
        assert snapshot(tmp_path) == before

    def test_a_refused_merge_leaves_the_result_that_is_there(self, copy: Copy) -> None:
        session = copy("chrome-silence")
        published = contents(Path(merge(session.name, store=session.parent).location))
        (session / "chunks/000/000002.webm").unlink()
        with pytest.raises(RecordingError, match="chunk 2"):
            merge(session.name, store=session.parent, options=MergeOptions(strict=True))
        assert contents(session / "merged") == published


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything below a folder, with the time of its last change and its size."""
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestSameEverywhere:
    """Where a session lies changes nothing in what is made of it."""

    def test_s3_gives_the_bytes_that_the_folder_gives(
        self, s3_url: str, s3_client: Any, recorded_session: Recorded, merged_session: Merged
    ) -> None:
        session = recorded_session("chrome-1s")
        prefix = s3_url.removeprefix(f"s3://{BUCKET}/")
        for path in filter(Path.is_file, session.rglob("*")):
            key = f"{prefix}/{path.relative_to(session.parent).as_posix()}"
            s3_client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
        result = merge("chrome-1s", store=s3_url)
        assert result.location == f"{s3_url}/chrome-1s/merged"
        for name in FILES:
            stored = s3_client.get_object(Bucket=BUCKET, Key=f"{prefix}/chrome-1s/merged/{name}")["Body"].read()
            if name != "report.json":  # the two stores tell changes by different tags
                assert stored == (merged_session("chrome-1s") / name).read_bytes(), name
        assert merge("chrome-1s", store=s3_url).unchanged

    def test_another_layout_is_the_same_session(self, copy: Copy, merged_session: Merged, tmp_path: Path) -> None:
        session = copy("chrome-silence")
        flat = tmp_path / "flat" / session.name
        flat.mkdir(parents=True)
        for name in ("session.json", "utterances.jsonl"):
            (session / name).rename(flat / name)
        for number, chunk in enumerate(sorted((session / "chunks/000").iterdir())):
            chunk.rename(flat / f"blob-{number}.webm")
        result = merge(session.name, store=flat.parent, layout="{session}/blob-{seq}.{ext}")
        assert same(Path(result.location), merged_session(session.name), "audio.webm", "captions.vtt")

    def test_numbers_are_compared_as_numbers(self, copy: Copy, merged_session: Merged) -> None:
        session = copy("chrome-1s")
        for chunk in (session / "chunks/000").iterdir():
            chunk.rename(chunk.with_stem(str(int(chunk.stem))))
        (session / "chunks/000").rename(session / "chunks/0")
        result = merge(session.name, store=session.parent)
        assert same(Path(result.location), merged_session(session.name), "audio.webm", "captions.vtt")

    def test_a_recording_without_any_notes_is_joined(self, copy: Copy, merged_session: Merged) -> None:
        session = copy("chrome-silence")
        for note in session.glob("*.json*"):
            note.unlink()
        result = merge(session.name, store=session.parent)
        assert same(Path(result.location), merged_session(session.name), "audio.webm")
        assert webvtt.read(f"{result.location}/captions.vtt").captions == []
        assert "no-utterances" in {finding.code for finding in result.findings}

    def test_no_note_can_ask_for_days_of_silence(self, copy: Copy) -> None:
        session = copy("chrome-1s")
        note = session / "session.json"
        document = read_json(note)
        last = document["parts"][0]["chunks"][-1]
        document["parts"][0]["stop_ms"] = last["emitted_ms"] = 90 * 3600 * 1000
        note.write_text(json.dumps(document))
        (session / f"chunks/000/{last['seq']:06}.webm").unlink()
        result = merge(session.name, store=session.parent)
        assert {"chunk-missing", "loss-too-long"} <= {finding.code for finding in result.findings}
        assert result.report["duration_s"] < 60


def same(one: Path, other: Path, *names: str) -> bool:
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


@pytest.mark.parametrize("session_id", ["chrome-pause", "firefox-pause"])
def test_a_kept_pause_is_as_long_as_it_was(session_id: str, recorded_session: Recorded, tmp_path: Path) -> None:
    session = recorded_session(session_id)
    pauses = read_json(session / "session.json")["parts"][0]["pauses"]
    closed, kept = (
        merge(
            session_id,
            store=session.parent,
            output=tmp_path / str(keep),
            options=MergeOptions(pauses="keep" if keep else "close"),
        ).report
        for keep in (False, True)
    )
    paused_s = sum(pause["end_ms"] - pause["start_ms"] for pause in pauses) / 1000
    assert paused_s > 5
    assert kept["duration_s"] - closed["duration_s"] == pytest.approx(paused_s, abs=0.04)


class TestTheCall:
    """`sessiontool.merge` as a script calls it."""

    def test_it_tells_what_it_made(self, recorded_session: Recorded, tmp_path: Path) -> None:
        result = merge("chrome-silence", store=recorded_session("chrome-silence").parent, output=tmp_path)
        assert isinstance(result, MergeResult)
        folder = Path(result.location)
        assert folder == tmp_path / "chrome-silence"
        assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
        assert result.report == read_json(folder / "report.json")
        assert result.transcript == read_json(folder / "transcript.json")
        assert result.status in {"complete", "repaired", "partial"}

    def test_the_report_lists_the_files_as_they_are(self, folder: Path) -> None:
        for output in read_json(folder / "report.json")["outputs"]:
            data = (folder / output["name"]).read_bytes()
            assert (output["bytes"], output["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())

    def test_it_reports_progress(self, recorded_session: Recorded, tmp_path: Path) -> None:
        seen: list[str] = []
        received: list[int] = []

        class Watch:
            def stage(self, name: str, steps: int | None = None) -> None:
                seen.append(name)

            def advance(self, steps: int = 1) -> None:
                seen.append("+")

            def received(self, size_bytes: int) -> None:
                received.append(size_bytes)

        session = recorded_session("chrome-silence")
        merge(session.name, store=session.parent, output=tmp_path, progress=Watch())
        assert seen[0] == "listing"
        assert seen.count("+") >= len(list(session.glob("chunks/*/*")))
        assert sum(received) == sum(path.stat().st_size for path in session.glob("chunks/*/*"))

    @pytest.mark.parametrize(
        ("session_id", "error"), [("nobody", NotFoundError), ("../chrome-1s", UsageError), ("", UsageError)]
    )
    def test_it_raises_one_kind_of_error_for_each_kind_of_trouble(
        self, session_id: str, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            merge(session_id, store=DATA / "sessions")
