"""How sure redaction is: secrets planted in merged sessions, redacted, and looked for by other means.

    python benchmarks/redaction.py [--count 200] STORE...

Each STORE is a folder of recorded sessions; they are merged with words into a temporary folder.  A secret (a card, a
telephone number, an address, a name) is put in the place of a word, written or as words, in one turn or over two, and
into a tool's arguments and a field that is handed through; then it is redacted by a pattern.  Printed is how often it
is found afterwards in any file of the result, how loud the cuts are, whether every other packet is as it was, and how
far and how long the sound outside a cut differs.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import random
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np

from sessiontool import MergeOptions, SessionToolError, merge
from sessiontool.sessions import report as reports
from sessiontool.sessions.align_recording import packets_of
from sessiontool.sessions.merge import verify_session
from sessiontool.sessions.redaction.asked import RedactRequest
from sessiontool.sessions.redaction.redact import redact_session
from sessiontool.storage import open_output, open_store

if TYPE_CHECKING:
    from sessiontool.documents.report_model import Report

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LSB = 64 / 32768
"""Differences from here on count as heard: of 16-bit samples, as in the measurements that the design rests on."""
RING = 480  # samples at the start of a cut that are not looked at: 10 ms


def card(chance: random.Random) -> str:
    digits = "4" + "".join(chance.choice("0123456789") for _ in range(14))
    odd, even = digits[-1::-2], digits[-2::-2]
    total = sum(map(int, even)) + sum(sum(divmod(2 * int(one), 10)) for one in odd)
    whole = digits + str(-total % 10)
    return " ".join(whole[n : n + 4] for n in range(0, 16, 4))


def secret(chance: random.Random) -> str:
    name = "".join(chance.choice("bdfgklmnprstv") + chance.choice("aeiou") for _ in range(4))
    made = (card(chance), f"415 555 {chance.randrange(100, 10_000):04d}", f"{name}@example.com", name.capitalize())
    return chance.choice(made)


def spoken(text: str) -> str:
    return " ".join(WORDS[int(one)] for one in text if one.isdigit()) if text[0].isdigit() else text


def plant(document: dict[str, Any], text: str, form: str, chance: random.Random) -> str:
    """Put a secret into a transcript; returns the pattern that finds it."""
    utterances = list(filter(is_timed, document["utterances"]))
    one = chance.choice(utterances)
    said = spoken(text) if form == "words" else text
    pattern = re.escape(said)
    mine = pairwise(u for u in document["utterances"] if u["role"] == one["role"])
    pairs = [(a, b) for a, b in mine if a in utterances and b in utterances and is_heard_to_its_end(a)]
    if form == "two turns" and " " in text and pairs:
        first, second = chance.choice(pairs)
        half = text.rindex(" ")
        replace_word(first, len(first["words"]) - 1, text[:half])
        replace_word(second, 0, text[half + 1 :])
        pattern = r"\s+".join(map(re.escape, (text[:half], text[half + 1 :])))
    else:
        replace_word(one, chance.randrange(len(one["words"])), said)
    one["raw"] = base64.b64encode(f"said: {text}".encode()).decode()
    arguments = json.dumps({"value": text})
    note = {"id": "n1", "kind": "tool_call", "at_s": 1.0, "name": "save", "call_id": "c", "arguments": arguments}
    document["notes"] = [{**note, "logged": {"t": 1.0}}]
    return pattern


def is_timed(one: dict[str, Any]) -> bool:
    return len(one.get("words", ())) > 3 and one["confidence"] >= 0.8


def is_heard_to_its_end(one: dict[str, Any]) -> bool:
    return bool(one["text"].endswith(one["words"][-1]["text"]))


def replace_word(one: dict[str, Any], number: int, said: str) -> None:
    word = one["words"][number]
    is_last = number == len(one["words"]) - 1
    place = one["text"].rfind(word["text"]) if is_last else one["text"].find(word["text"])
    one["text"] = one["text"][:place] + said + one["text"][place + len(word["text"]) :]
    share = (word["end_s"] - word["start_s"]) / len(said.split())
    made = [
        {**word, "text": part, "start_s": word["start_s"] + n * share, "end_s": word["start_s"] + (n + 1) * share}
        for n, part in enumerate(said.split())
    ]
    one["words"][number : number + 1] = made
    one.pop("heard_text", None)


def sealed(folder: Path, document: dict[str, Any]) -> None:
    report = json.loads((folder / "report.json").read_text())
    body = reports.to_text(document).encode()
    (folder / "transcript.json").write_bytes(body)
    entry = next(one for one in report["outputs"] if one["name"] == "transcript.json")
    entry |= {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    reports.seal(cast("Report", report))
    (folder / "report.json").write_text(reports.to_text(report))


def is_found(folder: Path, text: str) -> str:
    """The file in which a secret is, in a form that this program knows; empty where it is in none."""
    forms = {text, spoken(text), re.sub(r"[^A-Za-z0-9@.]", "", text)}
    for path in folder.iterdir():
        body = path.read_bytes().decode("utf-8", "replace")
        if path.suffix in {".vtt", ".srt"}:
            body += " ".join(line for line in body.splitlines() if line and "-->" not in line and not line.isdigit())
        runs = re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", body)
        body += " ".join(base64.b64decode(run[: len(run) // 4 * 4]).decode("latin-1") for run in runs)
        if any(form.lower() in body.lower() for form in forms):
            return path.name
    return ""


def sound(path: Path) -> Any:
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray() for frame in file.decode(file.streams.audio[0])], axis=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A merged session: its store, its name, the folder of its result, its transcript and its sound."""

    store: Path
    name: str
    folder: Path
    transcript: dict[str, Any]
    sound: Any


@dataclass(slots=True)
class Tally:
    found: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    loudest: float = -120.0
    moved: int = 0
    before: int = 0
    rounded_ms: list[float] = field(default_factory=list)
    fades_ms: list[float] = field(default_factory=list)

    def redact(self, session: Session, text: str, form: str, pattern: str) -> None:
        """Redact a planted secret, and look for it."""
        case = f"{session.name} {form} {text}"
        place = open_output(str(session.folder.parent), session.name)
        try:
            with open_store(str(session.store)) as opened:
                opened.write_document = lambda *_: ""  # type: ignore[method-assign]
                redact_session(opened, session.name, place, RedactRequest(texts=(pattern,)))
        except SessionToolError as error:
            self.failed.append(f"{case}: {error}")
            return
        if where := is_found(session.folder / "redacted", text):
            self.found.append(f"{case}: {where}")
        redacted = verify_session(session.name, place).redacted
        if redacted is None or redacted.findings:
            self.failed.append(f"{case}: {redacted and redacted.findings}")
        self.measure(session, case)

    def measure(self, session: Session, case: str) -> None:
        """Count what of the sound differs inside and outside of the cuts."""
        result = session.folder / "redacted"
        report = json.loads((result / "report.json").read_text())["redaction"]
        cuts = [cut["output_samples"] for cut in report["cuts"]]
        if not cuts:
            self.failed.append(f"{case}: no sound is gone")
            return
        gone = {n for cut in report["cuts"] for n in range(*cut["packets"])}
        pairs = zip(packets_of(session.folder / "audio.webm"), packets_of(result / "audio.webm"), strict=True)
        self.moved += sum(a != b for n, (a, b) in enumerate(pairs) if n not in gone)
        heard = sound(result / "audio.webm")
        differs = np.abs(heard - session.sound).max(axis=0) >= LSB
        listed = json.loads((result / "redactions.json").read_text())["redactions"]
        wanted = sum((end - start) * 48_000 for one in listed for start, end in one["at_s"])
        self.rounded_ms.append((sum(end - start for start, end in cuts) - wanted) / 48 / (2 * len(cuts)))
        for cut, after in zip(cuts, [*(start for start, _ in cuts[1:]), heard.shape[1]], strict=True):
            peak = np.abs(heard[:, cut[0] + RING : cut[1]]).max()
            self.loudest = max(self.loudest, 20 * np.log10(max(1e-6, peak)))
            behind = np.flatnonzero(differs[cut[1] : after])
            self.fades_ms.append((behind[-1] + 1) / 48 if len(behind) else 0.0)
        self.before += int(differs[: cuts[0][0]].sum())


def merged(stores: list[Path], folder: Path) -> list[Session]:
    """The sessions of stores that have words with times, merged."""
    found = []
    for number, store in enumerate(stores):
        for name in sorted(path.name for path in store.iterdir() if (path / "chunks").is_dir()):
            target = folder / str(number)
            merge(name, store=store, output=target, options=MergeOptions(words=True))
            document = json.loads((target / name / "transcript.json").read_text())
            if any(map(is_timed, document["utterances"])):
                found.append(Session(store, name, target / name, document, sound(target / name / "audio.webm")))
    return found


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--count", type=int, default=200)
    given.add_argument("stores", nargs="+", type=Path)
    options = given.parse_args()
    chance, tally = random.Random(24), Tally()
    with TemporaryDirectory() as name:
        sessions = merged(options.stores, Path(name))
        for number in range(options.count):
            session = sessions[number % len(sessions)]
            text, form = secret(chance), chance.choice(("written", "words", "two turns"))
            changed = json.loads(json.dumps(session.transcript))
            pattern = plant(changed, text, form, chance)
            sealed(session.folder, changed)
            tally.redact(session, text, form, pattern)
    fades = sorted(tally.fades_ms)
    print(f"{options.count} secrets in {len(sessions)} sessions: {len(tally.found)} found, {len(tally.failed)} failed")
    print(f"loudest sound in a cut, from 10 ms on: {tally.loudest:.0f} dBFS; packets outside: {tally.moved} differ")
    print(f"samples before a cut: {tally.before} differ; rounding: median {median(tally.rounded_ms):.0f} ms an edge")
    print(f"behind a cut: {median(fades):.0f} ms differ (median), {fades[int(len(fades) * 0.9)]:.0f} ms (p90)")
    for line in [*tally.found, *tally.failed][:20]:
        print(" ", line)


if __name__ == "__main__":
    main()
