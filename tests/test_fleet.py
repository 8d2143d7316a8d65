"""Which sessions a run takes, its share of them, what it keeps of them: without doing any."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from sessiontool.batch.job import Outcome
from sessiontool.batch.metrics import exposition
from sessiontool.batch.run import run_sessions
from sessiontool.batch.run_report import Totals, read_failed, read_ids, session_line, summary_line, written_whole
from sessiontool.batch.selection import Selection, by_end, by_time, read_time
from sessiontool.batch.shards import Shard, find_shard
from sessiontool.documents.models import SessionDocument
from sessiontool.documents.reading import read_object
from sessiontool.errors import NotFoundError, StorageError, UsageError
from sessiontool.model import ChunkRef, SessionListing, StoredObject, in_largest_unit
from sessiontool.storage import Layout

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000.0
HOUR = 3600.0

# -- shards


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 50))
def test_every_session_is_in_exactly_one_shard(ids: list[str], count: int) -> None:
    shards = [Shard(index, count) for index in range(count)]
    assert all(sum(shard.holds(session_id) for shard in shards) == 1 for session_id in ids)


def test_shards_are_about_the_same_size_and_never_change() -> None:
    sizes = [sum(Shard(index, 4).holds(f"session-{n}") for n in range(4000)) for index in range(4)]
    assert min(sizes) > 900
    assert [index for index in range(4) if Shard(index, 4).holds("2026-11-22-dana")] == [0]


AWS = {"AWS_BATCH_JOB_ARRAY_INDEX": "2", "AWS_BATCH_JOB_ARRAY_SIZE": "10"}
KUBERNETES = {"JOB_COMPLETION_INDEX": "3"}
SLURM = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "5"}


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        (None, {}, "0/1"),
        ("1/4", {}, "1/4"),
        ("1/4", AWS, "1/4"),
        (None, AWS, "2/10"),
        ("/8", AWS, "2/8"),
        ("/8", KUBERNETES, "3/8"),
        (None, SLURM, "2/4"),
        ("/8", SLURM, "7/8"),  # whoever repeats `--array=7` alone gets the seventh again
        (None, {"AWS_BATCH_JOB_ARRAY_INDEX": ""}, "0/1"),
    ],
)
def test_what_says_which_shard(text: str | None, environment: dict[str, str], shard: str) -> None:
    assert str(find_shard(text, environment)) == shard


@pytest.mark.parametrize(
    ("text", "environment", "complaint"),
    [
        ("4/4", {}, "no shard 4 of 4"),
        ("0/0", {}, "no shard 0 of 0"),
        ("1", {}, "'1' is no shard"),
        ("-1/4", {}, "is no shard"),
        ("1/9999999999", {}, "is no shard"),
        ("/4", {}, "leaves open which shard"),
        (None, KUBERNETES, "nothing says of how many"),
        (None, {**AWS, "AWS_BATCH_JOB_ARRAY_SIZE": "two"}, "'two', not a number"),
        (None, {**SLURM, "SLURM_ARRAY_TASK_ID": "12"}, "no shard 7 of 4"),
    ],
)
def test_no_shard(text: str | None, environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        find_shard(text, environment)
    assert caught.value.hint


# -- selection


def listing(*chunks: tuple[str, int], age_s: float = 0.0) -> SessionListing:
    """A session with chunks (part, seq), the newest of that age."""
    found = tuple(
        ChunkRef(StoredObject(f"s/chunks/{part}/{seq}.webm", 9, "t", NOW - age_s - 60 * back), part, seq)
        for back, (part, seq) in enumerate(reversed(chunks))
    )
    return SessionListing("s", "s", tuple(reversed(found)), {})


def manifest(**parts: Any) -> SessionDocument:
    """A manifest of parts: stop_ms, or (stop_ms, seqs)."""
    entries = []
    for name, value in parts.items():
        stop_ms, seqs = value if isinstance(value, tuple) else (value, ())
        entries.append({"part": name[1:], "stop_ms": stop_ms, "chunks": [{"seq": seq} for seq in seqs]})
    session, problems = read_object(SessionDocument, {"parts": entries})
    assert session is not None, problems
    return session


@pytest.mark.parametrize(
    ("found", "session", "ended", "reason"),
    [
        (listing(("0", 0)), manifest(p0=5000), True, "every part was stopped"),
        (listing(("0", 0)), manifest(p0=None), False, "part 0 was not stopped"),
        (listing(("000", 0)), manifest(p0=5000), True, "every part was stopped"),
        (listing(("0", 0), ("1", 0)), manifest(p0=5000), False, "part 1 was not stopped"),
        (listing(("0", 0)), manifest(p0=(5000, [0, 1, 2])), False, "2 chunk(s) of part 0 are not there yet"),
        (listing(("0", 0)), manifest(p0=5000, p1=(6000, [0])), False, "part 1 has no chunks yet"),
        (listing(("0", 0)), manifest(p0=5000, p1=None), False, "part 1 has no chunks yet"),
        (listing(("0", 0)), SessionDocument(), False, "no manifest"),
        (listing(("0", 0), age_s=2 * HOUR), SessionDocument(), True, "no chunk came for 2 h"),
        (listing(("0", 0), age_s=2 * HOUR), manifest(p0=None), True, "no chunk came for 2 h"),
        (listing(("0", 0), age_s=-HOUR), SessionDocument(), False, "no manifest"),  # a clock that is ahead
        (listing(), manifest(p0=5000), False, "no chunks yet"),
        (
            replace(listing(), ignored=(StoredObject("s/chunks/0.webm", 9, "t"),)),
            SessionDocument(),
            False,
            "no chunks yet; no chunk is named like 's/chunks/0.webm'",
        ),
    ],
)
def test_whether_a_session_has_ended(found: SessionListing, session: SessionDocument, ended: bool, reason: str) -> None:
    decision = by_end(Selection(settle_s=HOUR), found, session, now_s=NOW)
    assert (decision.take, reason in decision.reason) == (ended, True), decision


@pytest.mark.parametrize(
    ("names", "age_s", "is_sign"),
    [
        (["session.json"], 2 * HOUR, True),  # all of its chunks are missing
        (["utterances.jsonl"], 2 * HOUR, True),
        (["audio/0001.webm", "audio/0002.webm"], 2 * HOUR, True),  # the layout knows no such name
        (["chunks/0/0.webm.part"], 2 * HOUR, True),
        (["session.json"], HOUR / 2, False),  # the first chunk may still come
        (["notes.txt"], 2 * HOUR, False),
        (["demo/report.json", "demo/audio.webm", "demo/captions.vtt"], 2 * HOUR, False),  # `--output` in the store
        (["exports.json", "demo.mp3"], 2 * HOUR, False),
        ([], 2 * HOUR, False),
    ],
)
def test_a_session_whose_chunks_never_came_is_taken_once_it_is_quiet(
    names: list[str], age_s: float, is_sign: bool
) -> None:
    objects = [StoredObject(f"s/{name}", 9, "t", NOW - age_s) for name in (*names, "")]
    found = Layout().listing("s", objects)
    assert found is not None
    decision = by_end(Selection(settle_s=HOUR), found, SessionDocument(), now_s=NOW)
    assert (decision.take, "it has no chunks" in decision.reason) == (is_sign, True), decision
    assert by_time(Selection(since_s=NOW - 3 * HOUR), found).take == (is_sign or names == ["session.json"])


def test_an_announced_end_counts_where_the_manifest_says_nothing() -> None:
    announced = Selection(announced=True)
    assert by_end(announced, listing(("0", 0)), SessionDocument(), now_s=NOW).take
    assert by_end(announced, listing(("0", 0)), manifest(p0=5000), now_s=NOW).take
    assert not by_end(announced, listing(("0", 0)), manifest(p0=None), now_s=NOW).take
    assert not by_end(announced, listing(), SessionDocument(), now_s=NOW).take


def test_sessions_of_a_time() -> None:
    found = listing(("0", 0), age_s=HOUR)
    assert by_time(Selection(since_s=NOW - 2 * HOUR, until_s=NOW), found).take
    assert by_time(Selection(since_s=NOW - HOUR, until_s=NOW), found).take
    assert not by_time(Selection(since_s=NOW - HOUR + 1), found).take
    assert not by_time(Selection(until_s=NOW - HOUR), found).take


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("36h", NOW - 36 * HOUR),
        ("90m", NOW - 1.5 * HOUR),
        ("1w", NOW - 168 * HOUR),
        ("2026-11-22", 1_795_305_600.0),
        ("2026-11-22T01:00:00+01:00", 1_795_305_600.0),
        ("2026-11-22T00:00:00Z", 1_795_305_600.0),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert read_time(text, "--since", now_s=NOW) == seconds


@pytest.mark.parametrize("text", ["yesterday", "36", "-3h", "999999w", "2026-13-01", "2026-11-22 25:00", ""])
def test_no_times(text: str) -> None:
    with pytest.raises(UsageError, match="--since") as caught:
        read_time(text, "--since", now_s=NOW)
    assert "36h" in caught.value.hint


def test_lengths_for_people() -> None:
    assert [in_largest_unit(s) for s in (-5, 0, 119, 120, 7200, 200_000)] == [
        "0 s",
        "0 s",
        "119 s",
        "2 min",
        "2 h",
        "2 d",
    ]


# -- what is kept

DONE = Outcome("a", "complete", duration_s=10.5, chunks=3, bytes=100, findings={"info": 2}, stages_s={"joining": 0.5})
PARTIAL = Outcome("b", "partial", duration_s=2.0, lost_s=0.25, chunks=1, bytes=10, findings={"error": 1, "info": 1})
OLD = Outcome("c", "unchanged", duration_s=99.0, chunks=9, bytes=99, findings={"info": 7})
BROKEN = Outcome("d", "failed", 4, reason="session d has no chunks", hint="look")


def counted(*outcomes: Outcome) -> Totals:
    totals = Totals(started_s=NOW)
    for outcome in outcomes:
        totals.add(outcome)
    totals.end(interrupted=False)
    totals.ended_s = NOW + 12
    return totals


def test_totals_count_what_this_run_did() -> None:
    found = counted(DONE, PARTIAL, OLD, BROKEN).to_json()
    assert found["sessions"] == 4
    assert {name: n for name, n in found["by_status"].items() if n} == {
        "complete": 1, "partial": 1, "unchanged": 1, "failed": 1,
    }  # fmt: skip
    assert found["by_exit_code"] == {"0": 3, "4": 1}
    assert (found["worst_exit_code"], found["took_s"]) == (4, 12.0)
    assert (found["duration_s"], found["lost_s"], found["chunks"], found["bytes"]) == (12.5, 0.25, 4, 110)
    assert found["findings"] == {"info": 3, "error": 1}


def test_metrics_are_what_prometheus_reads() -> None:
    families = {family.name: family for family in text_string_to_metric_families(exposition(counted(DONE, BROKEN)))}
    sessions = {sample.labels["status"]: sample.value for sample in families["sessiontool_batch_sessions"].samples}
    assert {status: n for status, n in sessions.items() if n} == {"complete": 1, "failed": 1}
    assert len(sessions) == 9  # every series is there every night
    single = {name: family.samples[0].value for name, family in families.items() if len(family.samples) == 1}
    assert single["sessiontool_batch_end_time_seconds"] == NOW + 12
    assert single["sessiontool_batch_worst_exit_code"] == 4
    assert all(family.type == "gauge" and family.documentation for family in families.values())


def test_a_report_names_what_is_to_be_tried_again(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    stopped = Outcome("e", "interrupted", 130, reason="the run was interrupted")
    with written_whole(report) as file:
        for outcome in (DONE, BROKEN, OLD, stopped):
            file.write(session_line(outcome) + "\n")
        assert not report.exists()
        file.write(summary_line(counted(DONE)) + "\n")
    assert list(read_failed(report)) == ["d", "e"]
    assert json.loads(report.read_text().splitlines()[1])["error"] == "session d has no chunks"
    assert [path.name for path in tmp_path.iterdir()] == ["report.jsonl"]


def test_a_report_that_is_not_finished_leaves_the_one_before(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    report.write_text("before")
    with pytest.raises(RuntimeError), written_whole(report) as file:  # noqa: PT012 - the block is what is tested
        file.write("half")
        raise RuntimeError
    assert report.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_report_that_cannot_be_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write") as caught, written_whole(tmp_path / "no" / "report"):
        pytest.fail("the block was entered")
    assert caught.value.hint


@pytest.mark.parametrize("content", ["not json\n", "[1]\n", "[" * 100_000 + "\n", b"\xff\xfe\n"])
def test_what_is_no_report(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "report"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match="report"):
        list(read_failed(path))
    with pytest.raises(NotFoundError):
        list(read_failed(tmp_path / "nothing"))


def test_a_list_of_sessions() -> None:
    text = "\ufeffa\n\n# a comment\r\n  b  \r\nc"
    assert list(read_ids(io.StringIO(text))) == ["a", "b", "c"]


class _Instant:
    """An engine that does everything at once."""

    closed = False

    def run(self, session_ids: Any) -> Any:
        yield from (Outcome(session_id, "complete") for session_id in session_ids)

    def stop(self) -> Any:
        yield from ()

    def close(self) -> None:
        self.closed = True


def test_what_was_begun_is_told_when_no_more_ids_can_be_had() -> None:
    def ids() -> Any:
        yield "a"
        raise StorageError("cannot list")

    told: list[str] = []
    engine = _Instant()
    totals, error = run_sessions(engine, ids(), lambda outcome, _: told.append(outcome.session_id))
    assert (told, totals.sessions, engine.closed) == (["a"], 1, True)
    assert not totals.interrupted
    assert isinstance(error, StorageError)
