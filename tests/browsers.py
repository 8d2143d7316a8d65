"""Real browsers play files here: Chromium and Firefox, headless, without a driver.

`play` serves the files and `player.html` on 127.0.0.1, opens the page in a browser with a new, empty profile, and waits
for what the page reports by itself.  So no driver takes part, which would have to fit the browser's version.

Firefox starts no AudioContext without an audio output, so there is one: a private PulseAudio server with a null sink.
When `play` returns, the browser, the sound server and their files are gone.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ahead import ahead
from second_opinion import RATE, find, need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from second_opinion import Sound

PLAYER = Path(__file__).with_name("player.html")
PATIENCE_S = 60
"""How long a browser may take to start, play everything and report."""

_WINDOW_SAMPLES = RATE // 2
_SEARCH_SAMPLES = 3 * RATE
_SOUNDING = 0.0004  # root mean square: faint background noise is sound enough to be found again, digital silence is not
_TYPES = {
    ".webm": "audio/webm",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".vtt": "text/vtt",
    ".html": "text/html",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What to play: from `from_s` (by a seek; None: from the start, without one) to `to_s` or the end."""

    from_s: float | None
    to_s: float


@dataclass(frozen=True, slots=True)
class Moment:
    """Half a second of heard sound, looked up in the file.

    `likeness` is the normalised correlation at the place found.  `differences_ms` are `currentTime` minus the place of
    what sounded then, one for each reading of `currentTime`.
    """

    likeness: float
    differences_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What came out while one stretch played.

    `sound` is mono at 48 kHz; `first_frame` is its place on the audio clock, in samples.  `readings` are (audio clock,
    element.currentTime) in seconds.
    """

    sound: Sound
    first_frame: int
    readings: tuple[tuple[float, float], ...]
    ended: bool
    stopped_s: float

    def moments(self, file_sound: Sound) -> list[Moment]:
        """Each half second in which something sounded, looked up by itself, so that a jump inside the stretch shows."""
        audible = np.flatnonzero(self.sound)
        if not len(audible):
            return []
        begins = range(audible[0], audible[-1] - _WINDOW_SAMPLES, _WINDOW_SAMPLES)
        return [moment for begin in begins if (moment := self._moment(begin, file_sound))]

    def _moment(self, begin: int, file_sound: Sound) -> Moment | None:
        clip = self.sound[begin : begin + _WINDOW_SAMPLES]
        start_s = (self.first_frame + begin) / RATE
        readings = [pair for pair in self.readings if start_s <= pair[0] < start_s + _WINDOW_SAMPLES / RATE]
        if not readings or float(np.sqrt(np.mean(np.square(clip)))) < _SOUNDING:
            return None
        clock_s, shown_s = readings[0]
        place, likeness = find(clip, file_sound, round((shown_s - (clock_s - start_s)) * RATE), _SEARCH_SAMPLES)
        shift_s = place / RATE - start_s
        return Moment(likeness, tuple((shown - clock - shift_s) * 1000 for clock, shown in readings))


@dataclass(frozen=True, slots=True)
class Played:
    """What a browser made of one file: `cues` are its captions as (start, end, text), times in seconds."""

    duration_s: float
    decoded_samples: int
    cues: tuple[tuple[float, float, str], ...]
    heard: tuple[Heard, ...]


class _Handler(BaseHTTPRequestHandler):
    """GET of what the server's `content` lists, with Range; POST into the server's `reports`."""

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        content = self.server.content.get(self.path)
        if content is None:
            self.send_error(404)
            return
        data = content if isinstance(content, bytes) else content.read_bytes()
        begin, end = 0, len(data)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            begin, end = int(wanted[1]), min(len(data), int(wanted[2] or len(data)) + 1)
            if begin >= end:
                self.send_error(416)
                return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", _TYPES.get(Path(self.path).suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        self.wfile.write(data[begin:end])

    def do_POST(self) -> None:
        self.server.reports.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing: pytest's output is for tests."""


class Site(ThreadingHTTPServer):
    """A web site on a free port of 127.0.0.1 that has exactly the pages of `content` and keeps what is posted to it."""

    daemon_threads = True

    def __init__(self, content: Mapping[str, bytes | Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.reports: queue.Queue[tuple[str, bytes]] = queue.Queue()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes a connection early is no error."""

    @contextmanager
    def open(self) -> Iterator[str]:
        """Serves until left; the address is the value."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{self.server_address[1]}"
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


@contextmanager
def _process(argv: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program and all it starts, in a process group of its own; the whole group is ended on leaving."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ahead(argv), env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and its group, asked first, then made to; returns when none is left, or after ten seconds."""
    deadline = time.monotonic() + 10
    with suppress(ProcessLookupError):  # which is what the group's absence raises
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        while time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(0.02)


@contextmanager
def _null_sound(folder: Path, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """A PulseAudio server that throws all sound away; the value is the environment in which programs find it."""
    socket = folder / "pulse.socket"
    argv = [need("pulseaudio"), "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    argv += ["--disable-shm", "--realtime=no", "--high-priority=no", "--load=module-null-sink"]
    argv += [f"--load=module-native-protocol-unix socket={socket} auth-anonymous=1"]
    with _process(argv, env, folder / "pulseaudio.log"):
        deadline = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < deadline, (folder / "pulseaudio.log").read_text()
            time.sleep(0.02)
        yield env | {"PULSE_SERVER": f"unix:{socket}"}


_CHROMIUM_FLAGS = """
headless no-sandbox disable-gpu disable-dev-shm-usage autoplay-policy=no-user-gesture-required
no-first-run disable-background-networking disable-component-update disable-sync disable-quic disable-breakpad
"""


def _chromium_argv(profile: Path, url: str) -> list[str]:
    flags = [f"--{flag}" for flag in _CHROMIUM_FLAGS.split()]
    return [need("chromium", "chromium-browser", "google-chrome"), *flags, f"--user-data-dir={profile}", url]


_FIREFOX_PREFERENCES: dict[str, bool | int | str] = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.update.enabled": False,
}


def _firefox_argv(profile: Path, url: str) -> list[str]:
    settings = (f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in _FIREFOX_PREFERENCES.items())
    (profile / "user.js").write_text("".join(settings))
    flags = ["--headless", "--no-remote", "--new-instance", "--profile", str(profile)]
    return [need("firefox", "firefox-esr"), *flags, url]


_ARGV: dict[str, Callable[[Path, str], list[str]]] = {"chromium": _chromium_argv, "firefox": _firefox_argv}
BROWSERS = tuple(_ARGV)


def play(browser: str, folders: Mapping[str, Path], stretches: Mapping[str, Sequence[Stretch]]) -> dict[str, Played]:
    """Plays the sound of each folder with `captions.vtt` in one browser, all at once, each its own stretches."""
    audio = {name: next(folder.glob("audio.*")).name for name, folder in folders.items()}
    plan = [
        {
            "name": name,
            "audio": audio[name],
            "stretches": [{"from_s": s.from_s, "to_s": s.to_s} for s in stretches[name]],
        }
        for name in folders
    ]
    content: dict[str, bytes | Path] = {"/player.html": PLAYER, "/plan.json": json.dumps(plan).encode()}
    for name, folder in folders.items():
        content |= {f"/{name}/{file}": folder / file for file in (audio[name], "captions.vtt")}
    reports = visit(browser, content, "/player.html")
    return {name: _played(name, reports) for name in folders}


def visit(browser: str, content: Mapping[str, bytes | Path], page: str) -> dict[str, bytes]:
    """Opens a page of a site in a browser; the value is what the page posted, by path, until it posted to `/done`."""
    site = Site(content)
    with _home(browser) as home, site.open() as address:
        argv = _ARGV[browser](home / "profile", f"{address}{page}")
        env = os.environ | dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "TMPDIR"), str(home))
        with _null_sound(home, env) as audible, _process(argv, audible, home / "browser.log"):
            return _collect(site, home / "browser.log")


@contextmanager
def _home(browser: str) -> Iterator[Path]:
    """A home directory with an empty profile, in a place whose name tells which test process made it."""
    prefix = f"{browser}-played-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        Path(folder, "profile").mkdir()
        yield Path(folder)


def _collect(site: Site, log: Path) -> dict[str, bytes]:
    reports: dict[str, bytes] = {}
    deadline = time.monotonic() + PATIENCE_S
    while "/done" not in reports:
        try:
            path, body = site.reports.get(timeout=deadline - time.monotonic())
        except (queue.Empty, ValueError):
            said = log.read_text(errors="replace")[-2000:]
            raise TimeoutError(f"after {PATIENCE_S} s only {sorted(reports)} were reported; browser: {said}") from None
        assert path != "/failed", body.decode()
        reports[path] = body
    return reports


def _played(name: str, reports: Mapping[str, bytes]) -> Played:
    report: dict[str, Any] = json.loads(reports[f"/{name}/report"])
    heard = tuple(
        Heard(
            np.frombuffer(reports[f"/{name}/sound/{index}"], np.float32),
            one["first_frame"],
            tuple((at, shown) for at, shown in one["readings"]),
            one["ended"],
            one["stopped_s"],
        )
        for index, one in enumerate(report["played"])
    )
    cues = tuple((cue["start_s"], cue["end_s"], cue["text"]) for cue in report["cues"])
    return Played(report["duration_s"], report["decoded"]["samples"], cues, heard)
