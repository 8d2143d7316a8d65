"""The fault table: what `cat | ffmpeg -c copy`, `cat | mkvmerge` and sessiontool make of the same damaged recordings.

    python benchmarks/faults.py [--seconds 60] [--seed 1] > faults.md
    python benchmarks/faults.py --formats
    python benchmarks/faults.py --random 1000 [--parts | --blobs] [--seed 1] [--jobs 2] [--corpus DIR]
    python benchmarks/faults.py --random-case SEED:INDEX [--parts | --blobs] [--corpus DIR] [--keep DIR]

Recordings of Chrome and Firefox are simulated, each fault is done to each of them, and every tool's output is judged by
the packets in it against the truth.  Prints Markdown tables: in each cell the exit code, how many of the packets that
are whole in the input were lost, how many are wrong in the output (more than 20 ms from where they belong, damaged, or
there twice), and what the tool said.  A tool that is not installed is left out.

With --formats: the same faults on AAC, MP3, PCM and a complete file per slice, merged by sessiontool alone
(`tests/format_faults.py`).

With --random: so many cases of one to four random faults on real and simulated recordings of all containers, merged by
sessiontool alone and judged against the undamaged recordings (`tests/random_cases.py`); prints a table by kind of fault
and a line for each case that is wrong; with --parts they are sessions of two or three parts (`tests/random_parts.py`),
judged on the session clock; with --blobs their chunks are short, or were cut anywhere (`tests/random_blobs.py`).  A
case is the same whenever seed, number and recordings are; --corpus adds the sessions in a folder, --random-case prints
all of one case, and --keep leaves it in a folder.  Exit code 1 where a case is wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests", "src")]

import random_faults_run  # noqa: E402
from av.error import FFmpegError  # noqa: E402
from fault_judge import OutputPacket, judge, read_packets  # noqa: E402

from sessiontool.simulate.simulate import SessionPlan, damage, record_session, write_session  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sessiontool.simulate.recorders import RecorderName

RECORDERS: tuple[RecorderName, ...] = ("chrome", "firefox")
FAULTS: dict[str, list[str]] = {
    "none": [],
    "a chunk missing": ["missing:5"],
    "the first chunk missing": ["missing-first"],
    "the last chunk missing": ["missing-last"],
    "a chunk missing, numbers closed up": ["renumbered:5"],
    "a chunk twice": ["duplicate:5"],
    "a chunk again at the end": ["duplicate-later:5"],
    "two chunks swapped": ["swapped:5:6"],
    "a chunk cut in half": ["truncated:5:0.5"],
    "1024 zero bytes": ["zeroed:5:1024:8000"],
    "1024 random bytes": ["garbage:5:1024:8000"],
    "another recorder's chunk": ["foreign:5"],
    "recorder restarted": ["second-header:5"],
    "browser killed": ["killed::0.5"],
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool made of one recording: its exit code, packets lost and wrong, and its words."""

    exit_code: int
    lost: int
    wrong: int
    said: str

    def cell(self) -> str:
        numbers = [f"**{count}** {what}" for count, what in ((self.lost, "lost"), (self.wrong, "wrong")) if count]
        return f"exit {self.exit_code}, {', '.join(numbers) or 'all right'}; {self.said or 'said nothing'}"

    @property
    def silent_failure(self) -> bool:
        return bool(self.lost or self.wrong) and not self.exit_code and not self.said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--formats", action="store_true")
    parser.add_argument("--random", type=int, metavar="N")
    parser.add_argument("--random-case", metavar="SEED:INDEX")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--parts", action="store_true")
    kinds.add_argument("--blobs", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    if arguments.formats:
        print_formats()
        return
    draws = random_faults_run.Draws(arguments.seed, arguments.corpus, arguments.parts, arguments.blobs)
    if arguments.random_case is not None:
        draws.show_case(arguments.random_case, arguments.keep)
        return
    if arguments.random is not None:
        sys.exit(bool(draws.run_many(arguments.random, arguments.jobs)))
    tools = {name: tool for name, tool in TOOLS.items() if name == "sessiontool" or shutil.which(name)}
    outcomes: dict[str, list[Outcome]] = {name: [] for name in tools}
    for recorder in RECORDERS:
        length_ms = round(arguments.seconds * 1000)
        recording = record_session(SessionPlan(recorder, length_ms=length_ms, seed=arguments.seed))
        run = recording.runs[0]
        print(f"\n{recorder.capitalize()}: {len(run.packets)} packets in {len(run.blobs)} chunks\n")
        print("| what happened | " + " | ".join(tools) + " |")
        print("|---" * (1 + len(tools)) + "|")
        for fault, places in FAULTS.items():
            with TemporaryDirectory() as folder:
                write_session(damage(recording, places, arguments.seed), Path(folder) / "session")
                made = {name: outcome(tool, Path(folder)) for name, tool in tools.items()}
            print(f"| {fault} | " + " | ".join(one.cell() for one in made.values()) + " |", flush=True)
            for name, one in made.items():
                outcomes[name].append(one)
    print_totals(outcomes)


def print_formats() -> None:
    """A table of all formats and faults."""
    import format_faults  # noqa: PLC0415 - numpy and encoders, which nothing else here needs

    print("\n| what happened | " + " | ".join(format_faults.FORMATS) + " |")
    print("|---" * (1 + len(format_faults.FORMATS)) + "|")
    for fault in format_faults.FAULTS:
        cells = [format_faults.cell(kind, fault) for kind in format_faults.FORMATS]
        print(f"| {fault} | " + " | ".join(cells) + " |", flush=True)


def print_totals(outcomes: dict[str, list[Outcome]]) -> None:
    rows: dict[str, Callable[[Sequence[Outcome]], int]] = {
        "packets lost": lambda made: sum(one.lost for one in made),
        "packets wrong": lambda made: sum(one.wrong for one in made),
        "recordings with either, exit 0 and not a word": lambda made: sum(one.silent_failure for one in made),
    }
    print("\n| all together | " + " | ".join(outcomes) + " |")
    print("|---" * (1 + len(outcomes)) + "|")
    for name, count in rows.items():
        print(f"| {name} | " + " | ".join(f"{count(made):,}" for made in outcomes.values()) + " |")


def outcome(tool: Callable[[Path, Path], tuple[int, str]], folder: Path) -> Outcome:
    """Run a tool on `folder/session` and judge what it wrote."""
    target = folder / "out.webm"
    target.unlink(missing_ok=True)
    exit_code, said = tool(folder / "session", target)
    truth = json.loads((folder / "session" / "truth.json").read_text())
    verdict = judge(truth, readable_packets(target))
    return Outcome(exit_code, verdict.whole - verdict.kept, verdict.misplaced + verdict.strange, said)


def readable_packets(target: Path) -> list[OutputPacket]:
    """The packets of an output, none where there is none or nobody can read it."""
    try:
        return read_packets(target) if target.exists() else []
    except FFmpegError:
        return []


def joined(session: Path) -> bytes:
    """The chunks one after another, in order of their numbers: what `cat` would do."""
    chunks = sorted((session / "chunks" / "000").iterdir(), key=lambda path: (int(path.stem), path.name))
    return b"".join(chunk.read_bytes() for chunk in chunks)


def run(argv: Sequence[str | Path], data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*map(str, argv)], input=data, capture_output=True, check=False, timeout=120)


def ffmpeg(session: Path, target: Path) -> tuple[int, str]:
    done = run(["ffmpeg", "-v", "warning", "-i", "pipe:0", "-c", "copy", target], joined(session))
    return done.returncode, summary(done.stderr.decode(errors="replace").splitlines())


def mkvmerge(session: Path, target: Path) -> tuple[int, str]:
    source = target.with_suffix(".in.webm")
    source.write_bytes(joined(session))
    done = run(["mkvmerge", "--ui-language", "en_US", "-o", target, source])
    lines = done.stdout.decode(errors="replace").splitlines()
    return done.returncode, summary([line for line in lines if line.startswith(("Warning", "Error"))])


def sessiontool(session: Path, target: Path) -> tuple[int, str]:
    output = target.parent / "merged"
    argv = [sys.executable, "-m", "sessiontool", "merge", session.name, "--no-align", "--json"]
    done = run([*argv, "-s", session.parent, "-o", output])
    report: dict[str, Any] = json.loads(done.stdout)["sessions"][0].get("report", {"findings": []})
    audio = output / session.name / "audio.webm"
    if audio.exists():
        audio.rename(target)
    told = [
        finding["code"] + (f" {finding['seq']}" if "seq" in finding else "")
        for finding in report["findings"]
        if finding["severity"] != "info"
    ]
    shutil.rmtree(output, ignore_errors=True)
    return done.returncode, ", ".join(dict.fromkeys(told))


def summary(lines: Sequence[str]) -> str:
    """How much a tool said."""
    count = sum(bool(line.strip()) for line in lines)
    return f"{count} line{'s' if count > 1 else ''} of warnings" if count else ""


TOOLS: dict[str, Callable[[Path, Path], tuple[int, str]]] = {
    "ffmpeg": ffmpeg,
    "mkvmerge": mkvmerge,
    "sessiontool": sessiontool,
}

if __name__ == "__main__":
    main()
