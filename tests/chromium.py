"""A real Chromium that a test steers: the DevTools Protocol over two pipes, so that no driver has to fit its version.

`Chromium` starts one in a profile of its own (kept over a restart), with a microphone that plays a file.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

from ahead import ahead
from second_opinion import need

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ANSWER_S = 30
_POLL_S = 0.05
_FLAGS = """
headless=new no-sandbox disable-gpu disable-dev-shm-usage autoplay-policy=no-user-gesture-required no-first-run
use-fake-device-for-media-stream use-fake-ui-for-media-stream disable-background-networking disable-component-update
disable-sync disable-quic disable-breakpad remote-debugging-pipe
"""


class Chromium:
    """A browser with a tab for each `open`; `close` ends it as a crash does, and another goes on with its profile."""

    def __init__(self, profile: Path, microphone: Path) -> None:
        profile.mkdir(exist_ok=True)
        (commands, self._to), (self._from, answers) = os.pipe(), os.pipe()
        flags = [f"--{flag}" for flag in _FLAGS.split()]
        flags += [f"--user-data-dir={profile}", f"--use-file-for-fake-audio-capture={microphone}%noloop"]
        program = need("chromium", "chromium-browser", "google-chrome")
        argv = ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", program, *flags, "about:blank"]
        with (profile / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ahead(argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(commands, answers),
                start_new_session=True,
                env=os.environ | {"HOME": str(profile)},
            )
        os.close(commands)
        os.close(answers)
        self._sent = 0
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with os.fdopen(self._from, "rb") as stream:
            rest = b""
            while data := stream.read1(1 << 16):
                *messages, rest = (rest + data).split(b"\0")
                for message in map(json.loads, messages):
                    if "id" in message:
                        self._answers.pop(message["id"]).put(message)
                    elif handler := self._handlers.get(f"{message.get('sessionId')} {message['method']}"):
                        handler(message["params"])

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """One command and its answer."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params} | ({"sessionId": session} if session else {})
        answer = self._answers[self._sent] = queue.Queue(1)
        os.write(self._to, json.dumps(message).encode() + b"\0")
        found = answer.get(timeout=_ANSWER_S)
        assert "error" not in found, f"{method}: {found['error']}"
        result: dict[str, Any] = found["result"]
        return result

    def listen(self, session: str, method: str, handler: Callable[[dict[str, Any]], None]) -> None:
        self._handlers[f"{session} {method}"] = handler

    def open(self, url: str, first: str = "") -> Page:
        """A new tab; `first` is a script that runs in it before any of the page's, after a reload too."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable", session)
        self.listen(session, "Runtime.bindingCalled", lambda params: page.said.append(params["payload"]))
        self.listen(session, "Runtime.exceptionThrown", lambda params: page.errors.append(str(params)))
        self.listen(session, "Page.loadEventFired", lambda _: page.loaded.set())
        accept = {"accept": True}
        self.listen(
            session, "Page.javascriptDialogOpening", lambda _: page.later("Page.handleJavaScriptDialog", **accept)
        )
        self.call("Runtime.addBinding", session, name="say")
        self.call("Page.addScriptToEvaluateOnNewDocument", session, source=first)
        self.call("Page.navigate", session, url=url)
        return page

    def close(self) -> None:
        """SIGKILL for the browser and all of its processes."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._to)


class Page:
    """One tab.  `said` is what its scripts passed to `say(text)`, `errors` what they threw and nobody caught."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser, self._session = browser, session
        self.said: list[str] = []
        self.errors: list[str] = []
        self.loaded = threading.Event()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def later(self, method: str, **params: Any) -> None:
        """A command in answer to an event, whose handler must not wait."""
        threading.Thread(target=self.call, args=(method,), kwargs=params, daemon=True).start()

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, awaited, as if the user had just clicked."""
        params = {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        found = self.call("Runtime.evaluate", **params)
        assert "exceptionDetails" not in found, f"{expression}: {found['exceptionDetails']}"
        return found["result"].get("value")

    def wait_for(self, expression: str, timeout_s: float) -> Any:
        """The value of an expression as soon as it is true."""
        deadline = time.monotonic() + timeout_s
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"after {timeout_s} s not {expression}; page: {self.text()}"
            time.sleep(_POLL_S)
        return value

    def text(self) -> str:
        return f"{self.evaluate('document.body.innerText')} {self.errors}"

    def click(self, button: str) -> None:
        """Click a button by its id or label, once it can be clicked."""
        found = (
            f"[...document.querySelectorAll('button')].find((one) => [one.id, one.textContent].includes({button!r}))"
        )
        self.wait_for(f"(() => {{ const one = {found}; return one && !one.disabled }})()", 20)
        self.evaluate(f"{found}.click()")

    def reload(self) -> None:
        self.loaded.clear()
        self.call("Page.reload")
        assert self.loaded.wait(_ANSWER_S)

    def set_offline(self, offline: bool) -> None:
        unlimited = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.call("Network.emulateNetworkConditions", offline=offline, **unlimited)
