"""The Runtime API of AWS Lambda, as its documentation says it, for the real runtime client `awslambdaric`.

The client asks for the next event, runs the handler and posts what came of it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VERSION = "/2018-06-01"
_ARN = "arn:aws:lambda:us-east-1:123456789012:function:sessiontool"
_PATIENCE_S = 60


class Answer(NamedTuple):
    """What the client posted: `kind` is `response` or `error`."""

    kind: str
    body: Any


class Runtime:
    """A function that is called by `invoke`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._events: queue.Queue[tuple[str, bytes, float] | None] = queue.Queue()
        self._answers: queue.Queue[tuple[str, Answer]] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self._events, self._answers))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        own = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "sessiontool",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_REGION": "us-east-1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "sessiontool.aws_lambda.handler"],
            env={**os.environ, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read_log)
        self._reader.start()

    def invoke(self, event: Any, *, seconds: float = 60.0) -> Answer:
        """Call the function with `event` and so much time."""
        request = str(uuid.uuid4())
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        self._events.put((request, body, seconds))
        answered, answer = self._answers.get(timeout=_PATIENCE_S)
        assert answered == request, self.log
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._server.shutdown()
        self._server.server_close()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The JSON lines of one kind that the function has logged until now."""
        deadline = time.monotonic() + 5
        while True:
            found = [json.loads(line) for line in self.log if line.startswith("{")]
            found = [line for line in found if line.get("event") == event]
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def _read_log(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            self.log.extend(lines)


def _handler_of(
    events: queue.Queue[tuple[str, bytes, float] | None], answers: queue.Queue[tuple[str, Answer]]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            assert self.path == f"{_VERSION}/runtime/invocation/next"
            event = events.get()
            assert event is not None
            request, body, seconds = event
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", request)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + seconds) * 1000)))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", _ARN)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self._body()
            parts = self.path.removeprefix(f"{_VERSION}/runtime/").split("/")
            request, kind = (parts[1], parts[2]) if parts[0] == "invocation" else ("init", parts[-1])
            answers.put((request, Answer(kind, json.loads(body or b"null"))))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline().strip(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


@contextmanager
def run_lambda(environment: Mapping[str, str]) -> Iterator[Runtime]:
    """The function in a runtime of its own, with `environment` added to ours."""
    runtime = Runtime(environment)
    try:
        yield runtime
    finally:
        runtime.close()
