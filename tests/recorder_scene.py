"""What the tests of the recorder sample do with its page, and what they ask of every recording."""

from __future__ import annotations

import functools
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest
from recorder_page import ASSISTANT, SCRIPT, clip, is_in_order, spoken, stereo
from s3server import BUCKET
from second_opinion import RATE, packets

from sessiontool import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chromium import Page

    from sessiontool import MergeResult

START_S, TURN_S, UPLOAD_S = 20, 30, 60
WITHIN_S = 0.060
ALIKE = 0.4  # a sentence through noise suppression has 0.5, another sentence at most 0.35
LOUD = 0.01
TURNS = "document.querySelectorAll('#turns p').length"
UPLOADS = "document.querySelector('#uploads').textContent"
FINISHED = "document.querySelector('#status').textContent.startsWith('finished.')"
ROLES = ("user", "assistant")
ATTEMPTS = 3


class StarvedError(AssertionError):
    """A sentence that was said was not heard, or not whole: a browser without processor plays or hears it in pieces."""


def again_where_starved(test: Callable[..., None]) -> Callable[..., None]:
    """The test, done again where the machine was too busy to record at all; what always loses a sentence still fails.

    Every attempt has a folder of its own below `tmp_path`.
    """

    @functools.wraps(test)
    def attempts(tmp_path: Path, **fixtures: Any) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            try:
                return test(tmp_path=folder, **fixtures)
            except StarvedError:
                if attempt == ATTEMPTS:
                    raise
        return None

    return attempts


class Steered(Protocol):
    """A page in a browser that a test steers; `errors` is what was thrown there, as far as the browser says."""

    errors: list[str]

    def evaluate(self, expression: str) -> Any: ...
    def wait_for(self, expression: str, timeout_s: float) -> Any: ...
    def click(self, button: str) -> None: ...


@dataclass
class Uploaded:
    """A store on S3 that a page's recordings were sent to."""

    tmp: Path
    store: str
    client: Any

    def objects(self, session: str) -> dict[str, bytes]:
        """What lies in the store under a session, by its key there."""
        prefix = f"{self.store.removeprefix(f's3://{BUCKET}/')}/{session}/"
        listed = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        found = {one["Key"]: self.client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed}
        return {key.removeprefix(prefix): body for key, body in found.items()}

    def document(self, session: str) -> Any:
        found: Any = json.loads(self.objects(session)["session.json"])
        return found

    def notes(self, session: str) -> list[str]:
        return [note["kind"] for note in self.document(session)["notes"]]

    def merge(self, session: str) -> MergeResult:
        result = merge(session, store=self.store, output=self.tmp / "merged")
        assert not result.report.get("ignored"), "what the recorder writes is read"
        return result


def begin(page: Steered, button: str = "start") -> str:
    """Start to record; returns the session's id."""
    page.click(button)
    page.wait_for("!document.querySelector('#stop').disabled", START_S)
    return str(page.evaluate("document.querySelector('#session').textContent"))


def converse(page: Steered, last: int, *, turns: int) -> None:
    """Wait until so many turns of both have been said in this page, the last of them this line of the script."""
    try:
        page.wait_for(f"{TURNS} >= {2 * turns}", TURN_S * turns)
    except AssertionError as error:  # what is played comes in pieces, in which the page hears no one speak
        raise StarvedError(str(error)) from error
    time.sleep(len(clip(ASSISTANT, SCRIPT["assistant"][last])) / RATE + 0.6)


def end(page: Steered) -> None:
    page.click("stop")
    page.wait_for(FINISHED, UPLOAD_S)
    assert not page.errors


# -- what is asked of every recording


def witnessed(*pages: Page) -> list[Any]:
    """Size and hash of each blob that a MediaRecorder of these pages handed out."""
    return [json.loads(said) for page in pages for said in page.said]


def assert_blobs_are_in(scene: Uploaded, result: MergeResult, blobs: Sequence[Any]) -> None:
    """All packets of the blobs are in the result in their order, byte for byte."""
    assert blobs
    used = {chunk["sha256"]: chunk["verdict"] for chunk in result.report["chunks"]}
    for blob in blobs:
        assert used.get(blob["sha256"]) in {"ok", "empty"}, blob
    there = scene.objects(result.session_id)
    recorded: list[str] = []
    for part in sorted({key.split("/")[1] for key in there if key.startswith("chunks/")}):
        whole = scene.tmp / f"{part}.webm"
        whole.write_bytes(b"".join(there[key] for key in sorted(there) if key.startswith(f"chunks/{part}/")))
        recorded += [packet.md5 for packet in packets(whole)]
    assert recorded
    assert is_in_order(recorded, [packet.md5 for packet in packets(Path(f"{result.location}/audio.webm"))])


def assert_captions_are_where_words_sound(result: MergeResult, lines: Sequence[int]) -> None:
    """These lines and no others were said, each by its own voice on its own channel, and captioned where it sounds."""
    sound = stereo(Path(f"{result.location}/audio.webm").read_bytes())
    said = result.transcript["utterances"]
    for one in said:
        if spoken(sound, ROLES.index(one["role"]), one["text"]).alike <= ALIKE:
            raise StarvedError(one)
    assert Counter(one["text"] for one in said) == Counter(SCRIPT[role][line] for role in ROLES for line in lines)
    for one in said:
        assert_it_sounds_there(sound, one)


def assert_it_sounds_there(sound: Any, one: Any) -> None:
    channel = ROLES.index(one["role"])
    start_s, end_s, last_end_s, alike, is_whole = spoken(sound, channel, one["text"], one["start_s"] or 0.0)
    # Where a page was killed, what was not yet handed over is gone: a word may end there.
    assert one["status"] in {"aligned", "clipped"}, (one, start_s, end_s, alike)
    assert not one["interrupted"], one
    assert alike > ALIKE, (one, alike)
    level = np.sqrt(np.mean(np.square(sound[round(start_s * RATE) : round(end_s * RATE)]), axis=0))
    assert level[channel] > LOUD
    assert level[channel] > 5 * level[1 - channel], (one, level)
    is_there = one["start_s"] == pytest.approx(start_s, abs=WITHIN_S)
    ends_there = end_s - WITHIN_S < one["end_s"] < last_end_s + WITHIN_S
    if not is_whole and not (is_there and ends_there):
        raise StarvedError(one, start_s, end_s, last_end_s)
    assert is_there, (one, start_s)
    assert ends_there, (one, end_s, last_end_s)
