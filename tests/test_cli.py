"""The command as a shell, a script and cron see it: real processes, exit codes, and what stands on which stream."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time
from shutil import copytree
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

import sessiontool
from sessiontool.cli import app
from sessiontool.storage.local.target import FolderTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    Recorded = Callable[[str], Path]
    Copy = Callable[[str], Path]

SESSION = "chrome-silence"
"""The shortest of the recordings."""

Done = subprocess.CompletedProcess[str]


def argv(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "sessiontool", *map(str, arguments)]


def run(*arguments: str | Path, **options: Any) -> Done:
    return subprocess.run(argv(*arguments), capture_output=True, text=True, check=False, timeout=60, **options)


def here(*arguments: str | Path) -> Done:
    """The same in this process, for what is no matter of processes: most of their time they only start."""
    done = CliRunner().invoke(app, [*map(str, arguments)])
    return Done(arguments, done.exit_code, done.stdout, done.stderr)


def refused(done: Done, code: int, *words: str) -> None:
    """Nothing on stdout, two lines on stderr, every one of `words` in them, and the exit code."""
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert all(word in done.stderr for word in words)
    assert (done.returncode, done.stdout) == (code, "")


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def store(copy: Copy) -> Path:
    return copy(SESSION).parent


class TestWhatItSays:
    def test_a_summary_goes_to_stdout_and_nothing_to_stderr(self, store: Path) -> None:
        done = run("merge", SESSION, "--store", store)
        assert (done.returncode, done.stderr) == (0, "")
        first, *facts = done.stdout.splitlines()
        assert first.startswith(f"{SESSION}: ")
        assert any(line.split()[:1] == ["written"] and str(store / SESSION / "merged") in line for line in facts)

    def test_a_second_run_says_that_there_is_nothing_to_do(self, store: Path) -> None:
        run("merge", SESSION, "--store", store)
        done = run("merge", SESSION, "--store", store)
        assert done.returncode == 0
        assert "unchanged" in done.stdout
        assert len(done.stdout.splitlines()) == 1

    def test_a_dry_run_says_so_and_writes_nothing(self, store: Path) -> None:
        before = everything_below(store)
        done = run("merge", SESSION, "--store", store, "--dry-run")
        assert done.returncode == 0
        assert "nothing written" in done.stdout
        assert everything_below(store) == before

    def test_quiet_says_nothing(self, store: Path) -> None:
        done = run("merge", SESSION, "--store", store, "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert (store / SESSION / "merged" / "report.json").exists()

    def test_verbose_lists_every_chunk(self, store: Path) -> None:
        done = run("merge", SESSION, "--store", store, "--verbose")
        for chunk in (store / SESSION / "chunks").rglob("*.webm"):
            assert chunk.relative_to(store).as_posix() in done.stdout

    def test_json_is_exactly_one_document_even_where_one_session_fails(self, store: Path) -> None:
        done = run("merge", SESSION, "nobody", "--store", store, "--json")
        merged, failed = json.loads(done.stdout)["sessions"]
        assert merged["report"] == json.loads((store / SESSION / "merged" / "report.json").read_text())
        assert (failed["session_id"], failed["status"], failed["exit_code"]) == ("nobody", "failed", 3)
        assert done.returncode == 3

    def test_inspect_writes_nothing(self, store: Path) -> None:
        before = everything_below(store)
        done = run("inspect", SESSION, "--store", store)
        assert (done.returncode, done.stderr) == (0, "")
        assert "5 chunks" in done.stdout
        assert everything_below(store) == before

    def test_version(self) -> None:
        assert run("--version").stdout == f"sessiontool {sessiontool.__version__}\n"

    def test_progress_is_shown_on_a_terminal_alone(self, store: Path) -> None:
        ours, its = pty.openpty()
        with subprocess.Popen(argv("merge", SESSION, "-s", store), stdout=subprocess.PIPE, stderr=its) as process:
            os.close(its)
            shown = drain(ours)
            summary = process.communicate(timeout=60)[0].decode()
        assert b"joining" in shown
        assert "\x1b" not in summary
        assert "joining" not in summary

    def test_a_reader_that_goes_away_is_no_disaster(self, store: Path) -> None:
        process = subprocess.Popen(
            argv("merge", SESSION, "-s", store, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        with process.stderr as stderr:
            assert stderr.read() == b""
        assert process.wait(timeout=60) == 0
        assert (store / SESSION / "merged" / "report.json").exists()


def drain(descriptor: int) -> bytes:
    """All that is written to a terminal until nobody holds its other end."""
    said = bytearray()
    try:
        while data := os.read(descriptor, 4096):
            said += data
    except OSError:  # which is how a pseudo-terminal says that it was closed
        pass
    finally:
        os.close(descriptor)
    return bytes(said)


class TestBadInput:
    """Each gets its exit code and two lines; nothing is written, and there is never a traceback."""

    @pytest.mark.parametrize(
        ("arguments", "code", "word"),
        [
            (["nobody"], 3, "nobody"),
            (["chrome-silent"], 3, SESSION),
            (["../x"], 2, "'../x'"),
            (["a/b"], 2, "the folder around it is the store"),
            ([""], 2, "session id"),
            ([SESSION, "--pauses", "perhaps"], 2, "close or keep"),
            ([SESSION, "--layout", "{seq}.webm"], 2, "{session}"),
            ([SESSION, "--store", "nowhere"], 3, "nowhere"),
            ([SESSION, "--store", "gopher://x/y"], 2, "gopher"),
            ([SESSION, "--output", f"{SESSION}/session.json/x"], 5, "session.json"),
        ],
    )
    def test_the_call_makes_no_sense(
        self, store: Path, arguments: list[str], code: int, word: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(store)
        before = everything_below(store)
        refused(here("merge", *arguments), code, word)
        assert everything_below(store) == before

    @pytest.mark.parametrize("arguments", [["merge"], ["merge", "--nonsense"], ["nonsense"]])
    def test_the_usage_is_wrong(self, arguments: list[str]) -> None:
        done = here(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(r"error: .+\nhint: usage: sessiontool .+\n", done.stderr)

    @pytest.mark.parametrize("empty", ["no folder", "no chunks", "no bytes"])
    def test_there_is_no_recording(self, store: Path, empty: str) -> None:
        session = store / SESSION
        for chunk in list(session.rglob("*.webm")):
            chunk.write_bytes(b"")
            if empty != "no bytes":
                chunk.unlink()
        if empty == "no folder":
            for folder in sorted(session.rglob("*"), reverse=True):
                folder.unlink() if folder.is_file() else folder.rmdir()
        before = everything_below(store)
        refused(here("merge", SESSION, "--store", store), 4)
        assert everything_below(store) == before

    @pytest.mark.parametrize(
        "data", [b"OggS" + bytes(5000), b"\0\0\0\x20ftypiso5" + bytes(5000), bytes(5000), b"<html>404</html>" * 99]
    )
    def test_it_is_no_webm(self, store: Path, data: bytes) -> None:
        for chunk in (store / SESSION).rglob("*.webm"):
            chunk.write_bytes(data)
        refused(here("merge", SESSION, "--store", store), 4)
        assert not (store / SESSION / "merged").exists()

    def test_findings_are_refused_where_none_are_allowed(self, store: Path) -> None:
        next((store / SESSION).rglob("000002.webm")).unlink()
        refused(here("merge", SESSION, "--store", store, "--strict"), 4, "chunk 2", "--strict")
        assert not (store / SESSION / "merged").exists()
        assert here("merge", SESSION, "--store", store).returncode == 0

    def test_wrong_credentials(self, s3_url: str, s3_server: Any) -> None:
        stranger = os.environ | s3_server.environment("stranger")
        refused(run("merge", SESSION, "--store", s3_url, env=stranger), 5)

    def test_an_s3_server_that_is_not_there(self) -> None:
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}
        arguments = ("merge", SESSION, "--store", "s3://bucket/x", "--endpoint-url", "http://127.0.0.1:1")
        refused(run(*arguments, env=os.environ | keys), 5, "127.0.0.1")


class TestBadNotes:
    """A recording is worth more than its notes: it is merged, and what is wrong with them is said, with its place."""

    def findings(self, store: Path) -> list[str]:
        done = here("merge", SESSION, "--store", store, "--json")
        assert done.returncode == 0, done.stderr
        (session,) = json.loads(done.stdout)["sessions"]
        return [finding["message"] for finding in session["report"]["findings"] if finding["severity"] != "info"]

    @pytest.mark.parametrize(
        ("line", "where"),
        [
            ('{"id": "x", "role": "user", ', "utterances.jsonl: line 1"),
            ('{"role": "user", "text": "x", "t_start": NaN, "t_end": 1}', "line 1, t_start"),
            ('{"role": "user", "text": "x", "t_start": 1, "t_end": -Infinity}', "line 1, t_end"),
            ('{"role": "user", "text": "x", "t_start": 1e300, "t_end": 2}', "line 1, t_start"),
            ('{"role": "user", "text": "x", "t_start": "soon", "t_end": 2}', "line 1, t_start"),
            ('{"role": "umpire", "text": "x", "t_start": 1, "t_end": 2}', "role: 'umpire'"),
            ('{"role": "user", "t_start": 1, "t_end": 2}', "line 1: text"),
            ('["user", "x"]', "line 1: is a list"),
            ("[" * 100_000, "line 1"),
        ],
    )
    def test_an_utterance_is_wrong(self, store: Path, line: str, where: str) -> None:
        log = store / SESSION / "utterances.jsonl"
        log.write_text(f"{line}\n{log.read_text()}")
        assert any(where in message for message in self.findings(store))
        transcript = json.loads((store / SESSION / "merged" / "transcript.json").read_text())
        assert transcript["utterances"][-1]["start_s"] is not None

    def test_times_before_the_beginning_are_no_place(self, store: Path) -> None:
        log = store / SESSION / "utterances.jsonl"
        log.write_text('{"id": "x", "role": "user", "text": "Early.", "t_start": -9, "t_end": -7}\n' + log.read_text())
        self.findings(store)
        first = json.loads((store / SESSION / "merged" / "transcript.json").read_text())["utterances"][0]
        assert (first["id"], first["start_s"]) == ("x", None)

    @pytest.mark.parametrize(
        ("text", "where"),
        [
            ('{"session_id": ', "session.json: is not valid JSON"),
            ("[]", "session.json: holds a list"),
            ('{"parts": [{"part": 0, "start_ms": "soon"}]}', "session.json: parts.0.start_ms"),
            ('{"channels": 7}', "session.json: channels"),
        ],
    )
    def test_the_session_document_is_wrong(self, store: Path, text: str, where: str) -> None:
        (store / SESSION / "session.json").write_text(text)
        assert any(where in message for message in self.findings(store))

    def test_no_utterances_are_said_to_be_missing(self, store: Path) -> None:
        (store / SESSION / "utterances.jsonl").unlink()
        done = here("merge", SESSION, "--store", store)
        assert done.returncode == 0
        assert "there is no utterances.jsonl" in done.stdout
        assert (store / SESSION / "merged" / "captions.srt").read_text() == ""


class TestInTheMiddle:
    """A merge that cannot go on leaves nothing behind, and what was published before stays as it was."""

    @pytest.fixture
    def long_store(self, recorded_session: Recorded, tmp_path: Path) -> Path:
        """A session of 6,000 chunks: long enough to be interrupted, on a busy machine too."""
        copied = copytree(recorded_session("chrome-1s") / "chunks" / "000", tmp_path / "chunks")
        chunks = sorted(copied.iterdir())
        for part in range(6000 // len(chunks)):
            folder = tmp_path / "long" / "many" / "chunks" / str(part)
            folder.mkdir(parents=True)
            for chunk in chunks:
                (folder / chunk.name).hardlink_to(chunk)
        return tmp_path / "long"

    def test_ctrl_c_while_it_loads_shows_no_traceback(self, store: Path, tmp_path: Path) -> None:
        """What it loads first stands still here, so that the moment is met."""
        slow, loads = tmp_path / "slow", tmp_path / "loads"
        slow.mkdir()
        (slow / "typer.py").write_text(f"import time\nopen({str(loads)!r}, 'w').close()\ntime.sleep(60)\n")
        path = os.pathsep.join([str(slow), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            argv("merge", SESSION, "-s", store), stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
        )
        deadline = time.monotonic() + 30
        while not loads.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == b""
        assert process.returncode == -signal.SIGINT

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_ctrl_c(self, long_store: Path, tmp_path: Path, number: int) -> None:
        output = tmp_path / "output"
        process = subprocess.Popen(
            argv("merge", "many", "other", "-s", long_store, "-o", output, "--no-align"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 30
        while not list(output.glob("*/.sessiontool-*/*")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(number)
        said, complaint = process.communicate(timeout=30)
        assert (process.returncode, said) == (130, "")
        interrupted, again = complaint.splitlines()
        assert interrupted == "interrupted: many is as it was, 1 more not begun"
        assert again == f"again: sessiontool merge many other -s {long_store} -o {output} --no-align"
        assert not output.exists()

    def test_the_exit_code_when_source_text_was_interrupted(self, tmp_path: Path) -> None:
        """Python notes such an interrupt though it is caught, and then ends `python -m` by SIGINT, as of 3.13."""
        (tmp_path / "caught.py").write_text(
            "import sessiontool.cli as cli\n"
            "def app(prog_name):\n"
            "    try:\n"
            "        exec('raise KeyboardInterrupt')\n"
            "    except KeyboardInterrupt:\n"
            "        raise SystemExit(130) from None\n"
            "app.info = cli.app.info\n"
            "cli.app = app\n"
            "cli.main()\n"
        )
        assert subprocess.run([sys.executable, "-m", "caught"], cwd=tmp_path, check=False).returncode == 130

    def test_ctrl_c_when_the_new_result_is_complete(self, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        publish = FolderTarget.publish

        def interrupted(target: FolderTarget, files: Mapping[str, Path], obsolete: Collection[str]) -> None:
            with monkeypatch.context() as moment:
                moment.setattr(FolderTarget, "_finish", Mock(side_effect=KeyboardInterrupt))
                publish(target, files, obsolete)

        merge = ["merge", SESSION, "-s", str(store), "--no-align"]
        monkeypatch.setattr(FolderTarget, "publish", interrupted)
        done = CliRunner().invoke(app, merge)
        monkeypatch.undo()
        assert (done.exit_code, done.stdout) == (130, "")
        assert done.stderr.splitlines()[0] == f"interrupted while publishing {SESSION}: run again, which finishes it"
        assert "unchanged" in CliRunner().invoke(app, merge).stdout

    @pytest.mark.parametrize("most_bytes", [0, 10_000, 30_000])
    def test_no_room(self, store: Path, most_bytes: int) -> None:
        """A file may not grow beyond `most_bytes`, which ends a write as a full disk does."""
        before = everything_below(store)
        limit = (most_bytes, most_bytes)
        done = run(
            *("merge", SESSION, "--store", store), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        )
        refused(done, 5, "merged")
        assert everything_below(store) == before

    def test_no_room_for_a_second_time(self, store: Path) -> None:
        run("merge", SESSION, "--store", store)
        merged = store / SESSION / "merged"
        before = {path.name: path.read_bytes() for path in merged.iterdir()}
        done = run(
            *("merge", SESSION, "--store", store, "--force"),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        )
        assert done.returncode == 5
        assert {path.name: path.read_bytes() for path in merged.iterdir()} == before
