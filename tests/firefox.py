"""A real Firefox that a test steers by Marionette, with a sound server of its own whose microphone plays a file."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
import wave
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ahead import ahead, thread_ahead
from s3server import free_ports
from second_opinion import RATE, need

if TYPE_CHECKING:
    from pathlib import Path

_START_S, _ANSWER_S = 60, 30
_PIECE = RATE // 50
_PREFERENCES: dict[str, bool | int | str] = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": False,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.loopback": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.update.enabled": False,
}


class Firefox:
    """A browser with one page."""

    def __init__(self, home: Path, microphone: Path) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._env = os.environ | dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "TMPDIR"), str(home))
        self._ended, self._speaks = threading.Event(), threading.Event()
        self.errors: list[str] = []
        home.mkdir(exist_ok=True)
        try:
            self._start_sound(home)
            self._microphone = threading.Thread(target=self._play, args=(home / "microphone.pipe", microphone))
            self._microphone.start()
            self._start(home)
        except BaseException:
            self.close()
            raise

    def _start_sound(self, home: Path) -> None:
        """No sound comes out, and what comes in is a pipe."""
        pulse, pipe = home / "pulse.socket", home / "microphone.pipe"
        argv = [need("pulseaudio"), "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        argv += ["--disable-shm", "--realtime=no", "--high-priority=no", "--load=module-null-sink"]
        argv += [f"--load=module-pipe-source source_name=microphone file={pipe} format=s16le rate={RATE} channels=1"]
        argv += [f"--load=module-native-protocol-unix socket={pulse} auth-anonymous=1"]
        self._run(argv, home / "pulseaudio.log")
        self._env |= {"PULSE_SERVER": f"unix:{pulse}", "PULSE_SOURCE": "microphone"}
        deadline = time.monotonic() + _START_S
        while not (pulse.exists() and pipe.exists()):
            assert time.monotonic() < deadline, (home / "pulseaudio.log").read_text()
            time.sleep(0.02)

    def _play(self, pipe: Path, microphone: Path) -> None:
        """The file as fast as it sounds, once `speak` was called; nothing but zeroes before and after."""
        thread_ahead()
        with wave.open(str(microphone)) as file:
            sound = file.readframes(file.getnframes())
        begun_s, sent, place = time.monotonic(), 0, 0
        with pipe.open("wb", buffering=0) as stream, suppress(BrokenPipeError):
            while not self._ended.is_set():
                piece = sound[place : place + 2 * _PIECE] if self._speaks.is_set() else b""
                place += len(piece)
                stream.write(piece.ljust(2 * _PIECE, b"\0"))
                sent += _PIECE
                time.sleep(max(0.0, begun_s + sent / RATE - time.monotonic()))

    def speak(self) -> None:
        """Begin to play the microphone's file."""
        self._speaks.set()

    def _start(self, home: Path) -> None:
        (port,) = free_ports(1)
        profile = home / "profile"
        profile.mkdir()
        settings = _PREFERENCES | {"marionette.port": port}
        lines = (f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in settings.items())
        (profile / "user.js").write_text("".join(lines))
        flags = ["--marionette", "--headless", "--no-remote", "--profile", str(profile)]
        self._run([need("firefox", "firefox-esr"), *flags], home / "firefox.log")
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), _ANSWER_S)
                break
            except OSError:
                assert time.monotonic() < deadline, (home / "firefox.log").read_text()
                time.sleep(0.1)
        self._sent = 0
        self._stream = self._socket.makefile("rb")
        self._receive()
        self.call("WebDriver:NewSession", capabilities={})

    def _run(self, argv: list[str], log: Path) -> None:
        with log.open("wb") as stream:
            self._processes.append(
                subprocess.Popen(
                    ahead(argv),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    env=self._env,
                    start_new_session=True,
                )
            )

    def _receive(self) -> Any:
        digits = b""
        while (byte := self._stream.read(1)) != b":":
            assert byte, "Firefox has gone away"
            digits += byte
        return json.loads(self._stream.read(int(digits)))

    def call(self, command: str, **params: Any) -> Any:
        """One command and the value of its answer."""
        self._sent += 1
        message = json.dumps([0, self._sent, command, params]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, number, error, value = self._receive()
        assert number == self._sent
        assert error is None, f"{command}: {error}"
        return value

    def open(self, url: str) -> Firefox:
        """The page, in the one tab there is."""
        self.call("WebDriver:Navigate", url=url)
        return self

    def evaluate(self, expression: str) -> Any:
        return self.call("WebDriver:ExecuteScript", script=f"return {expression}", args=[])["value"]

    def wait_for(self, expression: str, timeout_s: float) -> Any:
        deadline = time.monotonic() + timeout_s
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"after {timeout_s} s not {expression}; page: {self.text()}"
            time.sleep(0.1)
        return value

    def text(self) -> str:
        return str(self.evaluate("document.body.innerText"))

    def click(self, button: str) -> None:
        self.wait_for(f"document.getElementById({button!r})?.disabled === false", _ANSWER_S)
        self.evaluate(f"document.getElementById({button!r}).click()")

    def close(self) -> None:
        self._ended.set()
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if hasattr(self, "_stream"):
            self._stream.close()
            self._socket.close()
        if hasattr(self, "_microphone"):
            self._microphone.join()
