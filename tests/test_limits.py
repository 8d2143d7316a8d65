"""How much of one object is read: what is larger is named, and what else there is is used."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sessiontool.errors import RecordingError
from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import merge_session, verify_session
from sessiontool.storage import Limits, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sessiontool.sessions.merge import MergeResult
    from sessiontool.storage import Store


@pytest.mark.parametrize("sparse", [True, False])
def test_a_chunk_that_is_too_large_is_named_and_the_others_are_joined(
    copy: Callable[[str], Path], sparse: bool
) -> None:
    """With limits that the recording would hardly fit in, and with a chunk that no machine could hold."""
    session = copy("chrome-1s")
    largest = max(path.stat().st_size for path in session.rglob("*.webm"))
    second = sorted(session.rglob("*.webm"))[1]
    if sparse:
        os.truncate(second, 1 << 40)
    else:
        second.write_bytes(second.read_bytes() * 3)
    arguments = [sys.executable, "-m", "sessiontool", "merge", session.name, "-s", str(session.parent), "--no-align"]
    limited = [*arguments, "--max-chunk-bytes", str(largest)]
    done = subprocess.run(limited, capture_output=True, text=True, check=True, preexec_fn=limit_memory)
    assert "chunk-too-large" in done.stdout
    report = json.loads((session / "merged" / "report.json").read_text())
    (found,) = (one for one in report["findings"] if one["code"] == "chunk-too-large")
    assert (found["seq"], found["severity"]) == (1, "error")
    assert second.name in found["message"]
    assert report["packets"]["recorded"] > 100
    with open_store(str(session.parent)) as store:
        assert verify_session(session.name, store.target(session.name)).findings == ()
    if not sparse:  # with another limit it is another result
        assert "unchanged" in subprocess.run(limited, capture_output=True, text=True, check=True).stdout
        again = subprocess.run(arguments, capture_output=True, text=True, check=True)
        assert "chunk-too-large" not in again.stdout


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))  # addresses, most of which are never used


def test_a_session_with_nothing_but_chunks_that_are_too_large_is_refused(copy: Callable[[str], Path]) -> None:
    session = copy("chrome-1s")
    with open_store(str(session.parent), limits=Limits(chunk_bytes=10)) as store:
        with pytest.raises(RecordingError, match="a chunk can be 10 at most") as caught:
            merge_session(store, session.name, store.target(session.name), MergeOptions(align=False))
        assert "max_chunk_bytes" in caught.value.hint


def test_a_session_document_that_is_too_large_costs_no_sound_but_the_result_is_not_complete(
    copy: Callable[[str], Path],
) -> None:
    session = copy("chrome-1s")
    with open_store(str(session.parent), limits=Limits(document_bytes=10)) as store:
        result = merge(store, session)
        again = merge_session(store, session.name, store.target(session.name), MergeOptions(align=False))
    assert again.unchanged
    assert result.status == "partial"
    [found] = [one for one in result.findings if one.severity == "error"]
    assert found.code == "document-too-large"
    assert "session.json is" in found.message
    assert "max_document_bytes" in found.hint
    assert len(result.report["chunks"]) == len(list((session / "chunks").rglob("*.webm")))
    with open_store(str(session.parent)) as store:  # a limit that is raised makes another result
        better = merge_session(store, session.name, store.target(session.name), MergeOptions(align=False))
    assert (better.unchanged, better.status) == (False, "complete")


def test_utterances_that_are_too_large_cost_the_captions_alone(copy: Callable[[str], Path]) -> None:
    session = copy("chrome-1s")
    large = (session / "session.json").stat().st_size + 10
    (session / "utterances.jsonl").write_bytes(b" " * (large + 1))
    with open_store(str(session.parent), limits=Limits(document_bytes=large)) as store:
        result = merge(store, session)
    found = {(one.code, one.severity) for one in result.findings}
    assert found >= {("document-too-large", "warning"), ("no-utterances", "info")}


def test_a_report_that_is_too_large_is_not_read(copy: Callable[[str], Path]) -> None:
    session = copy("chrome-1s")
    (session / "merged").mkdir()
    with (session / "merged" / "report.json").open("wb") as file:
        file.truncate(1 << 40)
    with open_store(str(session.parent)) as store:
        for run in (lambda: verify_session(session.name, store.target(session.name)), lambda: merge(store, session)):
            with pytest.raises(RecordingError, match=r"report\.json is 1,099,511,627,776 bytes") as caught:
                run()
            assert "max_report_bytes" in caught.value.hint


def merge(store: Store, session: Path) -> MergeResult:
    return merge_session(store, session.name, store.target(session.name), MergeOptions(align=False, force=True))
