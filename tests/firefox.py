"""A real Firefox that a test steers by Marionette, with a sound server of its own whose microphone plays a file."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ahead import ahead
from s3server import free_ports
from second_opinion import RATE, need

if TYPE_CHECKING:
    from pathlib import Path

_START_S, _ANSWER_S = 60, 30
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
        self._microphone, self._commands = microphone, home / "commands.socket"
        self.errors: list[str] = []
        home.mkdir(exist_ok=True)
        try:
            self._start_sound(home)
            self._start(home)
        except BaseException:
            self.close()
            raise

    def _start_sound(self, home: Path) -> None:
        """No sound comes out, and what comes in is what is played in a room."""
        pulse = home / "pulse.socket"
        argv = [need("pulseaudio"), "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        argv += ["--disable-shm", "--realtime=no", "--high-priority=no", "--load=module-null-sink sink_name=nowhere"]
        argv += [f"--load=module-null-sink sink_name=room rate={RATE} channels=1"]
        argv += ["--load=module-remap-source source_name=microphone master=room.monitor"]
        argv += [f"--load=module-native-protocol-unix socket={pulse} auth-anonymous=1"]
        argv += [f"--load=module-cli-protocol-unix socket={self._commands}"]
        self._run(argv, home / "pulseaudio.log")
        self._env |= {"PULSE_SERVER": f"unix:{pulse}", "PULSE_SOURCE": "microphone", "PULSE_SINK": "nowhere"}
        deadline = time.monotonic() + _START_S
        while not (pulse.exists() and self._commands.exists()):
            assert time.monotonic() < deadline, (home / "pulseaudio.log").read_text()
            time.sleep(0.02)

    def speak(self) -> None:
        """Begin to play the microphone's file: the sound server has it, and its clock alone says how fast."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self._commands))
            control.sendall(f"load-sample speech {self._microphone}\nplay-sample speech room\n".encode())
            assert b"Playing" in control.recv(1 << 12)

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
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if hasattr(self, "_stream"):
            self._stream.close()
            self._socket.close()
