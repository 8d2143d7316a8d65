"""An HTTP proxy between a client and an S3 server that does to answers what networks and busy servers do.

Requests are handed on byte for byte, `Host` included, so signatures stay valid.  Faults are put in a queue; each takes
the first request that it fits, once.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["cut", "short", "reset", "corrupt", "stall", "slow_down", "busy", "too_many", "expired", "denied"]

_HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "keep-alive"})
_ANSWERS: dict[Kind, tuple[int, str]] = {
    "slow_down": (503, "SlowDown"),
    "busy": (503, ""),
    "too_many": (429, "TooManyRequests"),
    "expired": (400, "ExpiredToken"),
    "denied": (403, "AccessDenied"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request whose method and path fit.

    `cut` announces the whole body, sends half of it and closes; `short` sends half as if it were all; `reset` resets
    the connection instead of answering; `corrupt` flips a bit in the middle of the body; `stall` waits `seconds` first;
    the others are refusals (`busy`: by something before the server, that speaks no S3).  `lasting` ones happen to every
    request that fits.
    """

    kind: Kind
    method: str = "GET"
    path: str = ""
    seconds: float = 0
    lasting: bool = False

    def fits(self, method: str, path: str) -> bool:
        return method == self.method and self.path in path


@dataclass(slots=True)
class FaultProxy:
    """A running proxy: put faults into `faults`; `requests` is what came, as (method, path).

    `checksums`: what becomes of what is stored with one, on servers that are older than boto3's: it is `refused`, or
    stored with the frame around it (`framed`), as every GET then shows.
    """

    endpoint: str
    latency_s: float = 0
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    checksums: Literal["kept", "refused", "framed"] = "kept"
    _framed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def break_down(self) -> None:
        """From now on every request is told to slow down."""
        self.faults += [Fault("slow_down", one, lasting=True) for one in ("GET", "HEAD", "PUT", "POST", "DELETE")]

    def count(self, method: str, path: str = "") -> int:
        """How many requests of a method came, with `path` in their path."""
        return sum(one == method and path in where for one, where in self.requests)

    def frame(self, method: str, path: str, *, with_checksum: bool) -> bool:
        """Whether an answer to GET has a frame around it, by how the object was stored."""
        if method == "PUT" and with_checksum and self.checksums == "framed":
            self._framed.add(path)
        elif method == "PUT":
            self._framed.discard(path)
        return method == "GET" and path in self._framed

    def take(self, method: str, path: str) -> Kind | None:
        """Note a request, and what shall happen to it; a stall happens here."""
        with self._lock:
            self.requests.append((method, path))
            fault = next((fault for fault in self.faults if fault.fits(method, path)), None)
            if fault and not fault.lasting:
                self.faults.remove(fault)
        time.sleep(self.latency_s + (fault.seconds if fault else 0))
        return fault.kind if fault else None


@contextmanager
def run_fault_proxy(upstream_port: int, *, latency_s: float = 0) -> Iterator[FaultProxy]:
    """A proxy in front of the server on a port of 127.0.0.1."""

    class Handler(_Handler):
        upstream = upstream_port

    with _Server(("127.0.0.1", 0), Handler) as server:
        proxy = Handler.proxy = FaultProxy(f"http://127.0.0.1:{server.server_port}", latency_s)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # clients that connect many times at once are not kept waiting for a second


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10  # idle connections of a client end, and their threads with them
    proxy: FaultProxy
    upstream: int

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.proxy.take(self.command, self.path)
        if kind == "reset":
            self._reset()
        elif self.proxy.checksums == "refused" and self.command == "PUT" and self._has_checksum():
            refusal = b"<Error><Code>XAmzContentSHA256Mismatch</Code><Message>As the test wants it.</Message></Error>"
            self._answer(400, {"Content-Type": "application/xml"}, refusal)
        elif kind in _ANSWERS:
            status, code = _ANSWERS[kind]
            told = f"<Error><Code>{code}</Code><Message>As the test wants it.</Message></Error>" if code else "busy"
            self._answer(status, {"Content-Type": "application/xml"}, told.encode())
        else:
            status, headers, answer = self._ask(body)
            if self.proxy.frame(self.command, self.path.partition("?")[0], with_checksum=self._has_checksum()):
                answer = b"%x\r\n%b\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n" % (len(answer), answer)
                headers = {name: value for name, value in headers.items() if "checksum" not in name.lower()}
            if self.proxy.checksums == "framed" and self._has_checksum():
                headers |= {"ETag": f'"{hashlib.md5(body + b"framed").hexdigest()}"'}
            self._answer(status, headers, answer, kind)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - names that http.server looks for

    def _has_checksum(self) -> bool:
        return any(name.lower().startswith("x-amz-checksum-") for name in self.headers)

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP | {"expect"}:
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            answer = response.read()
            return response.status, dict(response.headers.items()), answer
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes, kind: Kind | None = None) -> None:
        if kind == "short":
            body = body[: len(body) // 2]
        self.send_response_only(status)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        middle = len(body) // 2
        if kind == "corrupt":
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        if kind == "cut":
            body = body[:middle]
            self.close_connection = True
        self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError, ValueError):  # the client went away, or was reset above
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (ConnectionError, ValueError):
            self.close_connection = True
