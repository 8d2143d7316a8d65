"""Published results, changed in one place: at random, but by a seed; every change is to be noticed by `verify`.

usage: python verify_mutations.py COUNT [SEED [damaged]]     prints what became of them as JSON

A change is of one of four kinds.  `bytes`: of any file, whatever it is.  `values`: of a value in a JSON document, whose
hashes stay as they were.  `forged`: of what no hash protects, as every hash is made anew; then only what contradicts
something else can be noticed, which is all of the audio and of the captions, and a table of values.  `anything`: any
values, with hashes made anew: some of it contradicts nothing, and must only be no crash.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from shutil import copytree
from typing import TYPE_CHECKING, Any

from sessiontool.captions import FORMATS, CaptionOptions
from sessiontool.errors import SessionToolError
from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import merge_session, verify_session
from sessiontool.sessions.report import seal, to_text
from sessiontool.storage import open_output, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SESSIONS = Path(__file__).parent / "data" / "sessions"
SESSION = "chrome-load"
OTHER = "chrome-mono"
REPORT, TRANSCRIPT, AUDIO = "report.json", "transcript.json", "audio.webm"

Files = dict[str, bytes]


@dataclass(frozen=True)
class Mutation:
    """What was done, and the files that there are then."""

    kind: str
    what: str
    files: Files


@dataclass
class Tally:
    """`missed` were not noticed and should be, `crashed` ended in an error that is none of ours.

    `passed` were not noticed, and nothing contradicts them.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    passed: int = 0
    missed: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)


@cache
def published(session_id: str, *, damaged: bool = False) -> Files:
    """The files of a result with captions in every format, merged from a recorded session."""
    options = MergeOptions(captions=CaptionOptions(formats=tuple(FORMATS), mark_gaps=True))
    with tempfile.TemporaryDirectory() as folder:
        sessions = hurt(Path(folder) / "hurt") if damaged else SESSIONS
        output = Path(folder) / "made"
        with open_store(str(sessions)) as store:
            merge_session(store, session_id, open_output(output, session_id), options)
        return {path.name: path.read_bytes() for path in (output / session_id).iterdir()}


def hurt(sessions: Path) -> Path:
    """The session with a chunk gone, one that is there twice, and one with zeroes in it."""
    first, second, third, *_ = sorted(copytree(SESSIONS / SESSION, sessions / SESSION).glob("chunks/*/*.webm"))[2:]
    first.unlink()
    second.with_name("000009.webm").write_bytes(second.read_bytes())
    body = third.read_bytes()
    third.write_bytes(body[:2000] + bytes(1500) + body[3500:])
    return sessions


def judge(count: int, seed: int, folder: Path, *, damaged: bool = False, until_missed: bool = False) -> Tally:
    """Verify so many mutations, each in the same folder; `damaged`: of a result that has lost some of its sound.

    `until_missed`: no more of them than it takes to miss one.
    """
    rng, tally = Random(seed), Tally()
    files, other = published(SESSION, damaged=damaged), published(OTHER)
    place = folder / SESSION
    place.mkdir()
    mutations = made(rng, files, other)
    for _ in range(count):
        mutation = next(mutations)
        tally.kinds[mutation.kind] = tally.kinds.get(mutation.kind, 0) + 1
        put(place, mutation.files)
        try:
            noticed = is_noticed(folder)
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            tally.crashed.append(f"{mutation.kind}: {mutation.what}: {error!r}")
            continue
        if noticed:
            continue
        if mutation.kind == "anything":
            tally.passed += 1
        else:
            tally.missed.append(f"{mutation.kind}: {mutation.what}")
            if until_missed:
                break
    put(place, files)
    assert not is_noticed(folder), "a sound result has no problem"
    return tally


def put(place: Path, files: Files) -> None:
    for path in place.iterdir():
        path.unlink()
    for name, body in files.items():
        (place / name).write_bytes(body)


def is_noticed(folder: Path) -> bool:
    try:
        return bool(verify_session(SESSION, open_output(folder, SESSION)).findings)
    except SessionToolError:
        return True


def made(rng: Random, files: Files, other: Files) -> Iterator[Mutation]:
    """Mutations without end, of all kinds in turn."""
    while True:
        yield from (
            of_bytes(rng, files, other),
            of_values(rng, files),
            forged_bytes(rng, files),
            forged_values(rng, files),
            anything(rng, files),
        )


# -- bytes


def flipped(rng: Random, body: bytes) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1 :]


def cut(rng: Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body))]


def inserted(rng: Random, body: bytes) -> bytes:
    at = rng.randrange(len(body) + 1)
    return body[:at] + rng.choice((b" ", b"\n", b"\0", b"\xff", rng.randbytes(7))) + body[at:]


def deleted(rng: Random, body: bytes) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + body[at + rng.randint(1, 9) :]


def zeroed(rng: Random, body: bytes) -> bytes:
    at = rng.randrange(len(body))
    end = min(len(body), at + rng.randint(1, 4000))
    return body[:at] + bytes(end - at) + body[end:]


BYTES: Sequence[Callable[[Random, bytes], bytes]] = (flipped, flipped, flipped, cut, inserted, deleted, zeroed)


def changed(rng: Random, body: bytes) -> tuple[str, bytes]:
    """A body that is another, and how it was made."""
    while True:
        change = rng.choice(BYTES)
        new = change(rng, body)
        if new != body:
            return change.__name__, new


def of_bytes(rng: Random, files: Files, other: Files) -> Mutation:
    name = rng.choice(sorted(files))
    kind = rng.randrange(12)
    if kind == 0:
        return Mutation("bytes", f"{name} removed", {one: body for one, body in files.items() if one != name})
    if kind == 1:
        return Mutation("bytes", f"{name} emptied", {**files, name: b""})
    if kind == 2:
        return Mutation("bytes", f"{name} of another session", {**files, name: other[name]})
    if kind == 3:
        second = rng.choice([one for one in sorted(files) if one != name])
        swapped = {name: files[second], second: files[name]}
        return Mutation("bytes", f"{name} and {second} swapped", {**files, **swapped})
    how, body = changed(rng, files[name])
    return Mutation("bytes", f"{name} {how}", {**files, name: body})


# -- values


Place = tuple[Any, Any]
ODD: Sequence[Any] = (None, True, -1, 0, 1 << 70, 1.5, -0.25, 1e300, "", "x", [], {}, [[]], ["x"], {"x": 1}, "\ud800")


def places(value: Any) -> Iterator[Place]:
    """Every place in a document: what holds it, and the name or number in there."""
    for name in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, name
        yield from places(value[name])


def change_value(rng: Random, document: Any) -> str:
    """Change one value of a document; says which."""
    holder, name = rng.choice(list(places(document)))
    before = json.dumps(document, sort_keys=True)
    while json.dumps(document, sort_keys=True) == before:
        kind = rng.randrange(4)
        if kind == 0:
            del holder[name]
        elif kind == 1 and type(holder[name]) in {int, float}:
            holder[name] += rng.choice((-1, 1, 0.5))
        elif kind == 2 and isinstance(holder[name], list) and holder[name]:
            holder[name].append(rng.choice(holder[name]))
        else:
            holder[name] = rng.choice(ODD)
    return f"{name!r} changed"


def of_values(rng: Random, files: Files) -> Mutation:
    name = rng.choice((REPORT, REPORT, TRANSCRIPT))
    document = json.loads(files[name])
    what = change_value(rng, document)
    return Mutation("values", f"{name}: {what}", {**files, name: written(document)})


def written(document: Any) -> bytes:
    try:
        return to_text(document).encode("utf-8", "replace")
    except ValueError:  # 1e300 + 1e300
        return json.dumps(document).encode()


# -- forged: with hashes that are right


def with_hashes(files: Files, document: Any | None = None) -> Files:
    """The files, with a report that names them as they are, and has its own hash."""
    document = json.loads(files[REPORT]) if document is None else document
    for output in document["outputs"]:
        body = files.get(output["name"], b"")
        output.update(bytes=len(body), sha256=hashlib.sha256(body).hexdigest())
    seal(document)
    return {**files, REPORT: written(document)}


def forged_bytes(rng: Random, files: Files) -> Mutation:
    name = rng.choice([AUDIO, AUDIO, AUDIO, *(name for name in sorted(files) if name not in {REPORT, TRANSCRIPT})])
    how, body = changed(rng, files[name])
    return Mutation("forged", f"{name} {how}", with_hashes({**files, name: body}))


def one_of(name: str, rng: Random, document: Any) -> Any:
    found: Any = rng.choice(document[name])
    return found


def add(name: str, field_name: str, rng: Random, document: Any) -> None:
    one_of(name, rng, document)[field_name] += rng.choice((-1, 1, 7))


def another_verdict(rng: Random, document: Any) -> None:
    chunk = one_of("chunks", rng, document)
    chunk["verdict"] = "ok" if chunk["verdict"] == "damaged" else "damaged"


def moved_bytes(rng: Random, document: Any) -> None:
    chunk = one_of("chunks", rng, document)
    chunk["payload_bytes"] -= 1
    chunk["structure_bytes"] += 1


def hidden_damage(rng: Random, document: Any) -> None:
    chunk = one_of("chunks", rng, document)
    chunk.update(structure_bytes=chunk["structure_bytes"] - 9, damaged_bytes=9)


def another_list(rng: Random, document: Any) -> None:
    """Change where bytes are that are not in the result; where all are, say that some are not."""
    listed = [(chunk, name) for chunk in document["chunks"] for name in ("damage", "set_aside") if chunk.get(name)]
    if not listed:
        one_of("chunks", rng, document)["set_aside"] = [{"byte_offset": 0, "bytes": 1, "reason": "no reason"}]
        return
    chunk, name = rng.choice(listed)
    if rng.randrange(2):
        chunk[name].pop()
    else:
        rng.choice(chunk[name])[rng.choice(("bytes", "byte_offset"))] += chunk["bytes"]


def moved_span(rng: Random, document: Any) -> None:
    one_of("timeline", rng, document)["output_samples"][rng.randrange(2)] += 48


def dropped(name: str, rng: Random, document: Any) -> None:
    document[name].remove(one_of(name, rng, document))


def doubled(name: str, rng: Random, document: Any) -> None:
    document[name].append(dict(one_of(name, rng, document)))


def joined(document: Any) -> list[int]:
    """The places of the chunks that gave packets: others are in the report alone, and the store tells of those."""
    return [place for place, chunk in enumerate(document["chunks"]) if chunk["packets"]]


def chunk_dropped(rng: Random, document: Any) -> None:
    del document["chunks"][rng.choice(joined(document))]


def chunks_turned(rng: Random, document: Any) -> None:
    a, b = rng.sample(joined(document), 2)
    document["chunks"][a], document["chunks"][b] = document["chunks"][b], document["chunks"][a]


def put_in(name: str, value: Any, rng: Random, document: Any) -> None:
    document[name] = value


def _partial(change: Callable[..., None], *arguments: Any) -> Callable[[Random, Any], None]:
    return lambda rng, document: change(*arguments, rng, document)


FORGERIES: dict[str, Callable[[Random, Any], None]] = {
    **{
        f"chunks, {name}": _partial(add, "chunks", name)
        for name in ("bytes", "packets", "payload_bytes", "structure_bytes", "damaged_bytes", "set_aside_bytes")
    },
    "a verdict": another_verdict,
    "bytes moved": moved_bytes,
    "hidden damage": hidden_damage,
    "a chunk's packets": lambda rng, document: one_of("chunks", rng, document).update(packets_sha256="0" * 64),
    "a chunk dropped": chunk_dropped,
    "a chunk doubled": _partial(doubled, "chunks"),
    "chunks turned": chunks_turned,
    "a span moved": moved_span,
    "a span dropped": _partial(dropped, "timeline"),
    "a span doubled": _partial(doubled, "timeline"),
    "an output dropped": _partial(dropped, "outputs"),
    "an output doubled": _partial(doubled, "outputs"),
    "an output renamed": lambda rng, document: one_of("outputs", rng, document).update(name="../up"),
    "duration_s": lambda _, document: document.update(duration_s=document["duration_s"] + 0.001),
    "utterances": lambda _, document: document.update(utterances=document["utterances"] + 1),
    "packets": lambda _, document: document["packets"].update(silent=document["packets"]["silent"] + 1),
    "status": lambda _, document: document.update(status="complete"),
    "no findings": _partial(put_in, "findings", []),
    "a list of damage": another_list,
    "session_id": _partial(put_in, "session_id", OTHER),
    "no chunks": _partial(put_in, "chunks", []),
    "no timeline": _partial(put_in, "timeline", []),
    "no outputs": _partial(put_in, "outputs", []),
    "a program": lambda _, document: document["tool"].update(name="another"),
}


def longer_text(rng: Random, document: Any) -> None:
    placed = [one for one in document["utterances"] if one["start_s"] is not None and "heard_text" not in one]
    rng.choice(placed)["text"] += " never said"


TRANSCRIPTS: dict[str, Callable[[Random, Any], None]] = {
    "a text": longer_text,
    "an utterance dropped": _partial(dropped, "utterances"),
    "an utterance doubled": _partial(doubled, "utterances"),
    "a late end": lambda rng, document: one_of("utterances", rng, document).update(start_s=1.0, end_s=1e6),
    "a start behind its end": lambda rng, document: one_of("utterances", rng, document).update(start_s=2.0, end_s=1.0),
    "half a place": lambda rng, document: one_of("utterances", rng, document).update(start_s=None, end_s=1.0),
    "transcript, duration_s": lambda _, document: document.update(duration_s=document["duration_s"] - 0.001),
    "transcript, session_id": _partial(put_in, "session_id", OTHER),
}


def forged_values(rng: Random, files: Files) -> Mutation:
    what = rng.choice([*FORGERIES, *TRANSCRIPTS])
    name = REPORT if what in FORGERIES else TRANSCRIPT
    document = json.loads(files[name])
    (FORGERIES if what in FORGERIES else TRANSCRIPTS)[what](rng, document)
    if name == TRANSCRIPT:
        return Mutation("forged", what, with_hashes({**files, name: written(document)}))
    seal(document)
    return Mutation("forged", what, {**files, REPORT: written(document)})


def anything(rng: Random, files: Files) -> Mutation:
    """Any values, and hashes that are right: it may pass for a result, and must not be a crash."""
    document = json.loads(files[rng.choice((REPORT, REPORT, TRANSCRIPT))])
    what = ", ".join(change_value(rng, document) for _ in range(rng.randint(1, 3)))
    name = REPORT if "chunks" in document or "tool" in document else TRANSCRIPT
    try:
        if name == TRANSCRIPT:
            return Mutation("anything", what, with_hashes({**files, name: written(document)}))
        seal(document)
    except ValueError:
        what += " (no JSON)"
    return Mutation("anything", f"{name}: {what}", {**files, name: written(document)})


def main() -> None:
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        tally = judge(count, seed, Path(folder), damaged="damaged" in sys.argv)
    json.dump(asdict(tally), sys.stdout, indent=1)
    sys.exit(bool(tally.missed or tally.crashed))


if __name__ == "__main__":
    main()
