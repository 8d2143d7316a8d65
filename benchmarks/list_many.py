"""`sessiontool list` over many sessions in a real S3 server: seconds, memory and requests of a first and a later run.

    python benchmarks/list_many.py [SESSIONS]

Each session has the objects of a short one (two chunks, two documents) and of its result.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "tests"))

import obstore  # noqa: E402
from faultproxy import run_fault_proxy  # noqa: E402
from obstore.store import S3Store  # noqa: E402
from s3server import BUCKET, SECRET, run_s3_server  # noqa: E402

from sessiontool import MergeOptions, merge  # noqa: E402
from sessiontool.model import StoredObject  # noqa: E402
from sessiontool.sessions.provenance import fingerprint  # noqa: E402
from sessiontool.sessions.report import seal  # noqa: E402
from sessiontool.storage import Layout  # noqa: E402

AT_ONCE = 64
RUN = """
import atexit, sys
from pathlib import Path
most_kb = lambda: Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
atexit.register(lambda: print(most_kb(), file=sys.stderr))
from sessiontool.cli import main
main()
"""
NOT_MERGED = 10
"""One session in so many has no result."""


def pattern(folder: Path) -> dict[str, bytes]:
    """The objects of a merged session, by their keys below its folder."""
    source = folder / "store" / "pattern"
    argv = [sys.executable, "-m", "sessiontool", "simulate", str(source), "--seconds", "10", "--quiet"]
    subprocess.run(argv, check=True)
    merge("pattern", store=source.parent, options=MergeOptions(align=False))
    (source / "truth.json").unlink()
    return {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()}


def session_objects(number: int, files: dict[str, bytes]) -> dict[str, bytes]:
    """The objects of one of the many, whose report is of its own keys."""
    session_id = f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}-call-{number:06d}"
    found = {f"{session_id}/{name}": body for name, body in files.items() if not name.startswith("merged/")}
    if number % NOT_MERGED == 0:
        return found
    listed = [StoredObject(key, len(body), hashlib.md5(body).hexdigest()) for key, body in found.items()]
    listing = Layout().listing(session_id, listed)
    assert listing is not None
    report = json.loads(files["merged/report.json"])
    report |= {"session_id": session_id, "inputs_fingerprint": fingerprint(listing, report["tool"]["settings"])}
    seal(report)
    found |= {f"{session_id}/{name}": body for name, body in files.items() if name.startswith("merged/")}
    return {**found, f"{session_id}/merged/report.json": json.dumps(report, indent=1).encode()}


def fill(endpoint: str, count: int, files: dict[str, bytes]) -> int:
    """Put the sessions into the bucket; how many objects there are then."""
    store = S3Store(
        BUCKET,
        endpoint=endpoint,
        access_key_id="owner",
        secret_access_key=SECRET,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    total = 0

    async def put_all() -> None:
        nonlocal total
        turns = asyncio.Semaphore(AT_ONCE)

        async def put(key: str, body: bytes) -> None:
            async with turns:
                await obstore.put_async(store, f"many/{key}", body)

        for number in range(count):
            objects = session_objects(number, files)
            await asyncio.gather(*(put(key, body) for key, body in objects.items()))
            total += len(objects)

    asyncio.run(put_all())
    return total


def measure(around: dict[str, str], *more: str) -> tuple[float, float, str]:
    """Seconds, megabytes at most, and stdout of a run."""
    argv = [sys.executable, "-c", RUN, "list", "--store", f"s3://{BUCKET}/many", "--json", *more]
    began = time.monotonic()
    done = subprocess.run(argv, env={**os.environ, **around}, capture_output=True, text=True, check=True)
    return time.monotonic() - began, int(done.stderr.split()[-1]) / 1024, done.stdout


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        files = pattern(Path(name))
    with tempfile.TemporaryDirectory() as data, run_s3_server(Path(data)) as server:
        total = fill(server.endpoint, count, files)
        print(f"{count:,} sessions, {total:,} objects")
        with run_fault_proxy(server.port) as proxy:
            for run in ("first", "second"):
                took_s, most_mb, out = measure(server.environment())
                states = [one["state"] for one in json.loads(out)["sessions"]]
                counts = {state: states.count(state) for state in sorted(set(states))}
                print(f"{run}: {took_s:.1f} s, {most_mb:.0f} MB, {counts}")
            measure(server.environment(endpoint=proxy.endpoint))
            print(f"requests with the index: {len(proxy.requests)}")


if __name__ == "__main__":
    main()
