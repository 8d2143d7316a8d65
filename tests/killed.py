"""Runs that are killed, by a program of its own that forks them: what is published then, and after the next run.

usage: python killed.py steps STORE          publishing, killed before every change it makes
       python killed.py tidied STORE         the same of merges in a folder, each followed by one that changes nothing
       python killed.py moments STORE COUNT  merges of the session `chrome-silence`, killed at COUNT random moments

STORE is a folder or s3://…, with credentials in the environment.  Prints one JSON list, an object for each kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from places import Folder, Place, Prefix

from sessiontool.errors import NotFoundError
from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import MergeResult, merge_session, verify_session
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sessiontool.storage import Store, Target

FILES = ("audio.webm", "captions.vtt", "report.json")
SESSION = "chrome-silence"


def place_at(url: str) -> Place:
    """The store without sessiontool."""
    if not url.startswith("s3://"):
        return Folder(Path(url))
    import boto3

    from sessiontool.storage.s3 import lease

    lease._CLOCK_STEP_S = -3600  # a killed run's lease has run out at once
    return Prefix(url, boto3.client("s3"))


def forked(run: Callable[[], object]) -> int:
    """The process of a run."""
    pid = os.fork()
    if not pid:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - the end of a process
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    return pid


def was_killed(pid: int) -> bool:
    """Wait for a run to end; whether it was killed."""
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a run failed by itself")
    return os.WIFSIGNALED(status)


# -- publishing, killed at every step


def publish(store: Store, generation: str) -> None:
    target = store.target("s1")
    with target.workspace() as work:
        for name in FILES:
            (work / name).write_text(generation)
        target.publish({name: work / name for name in FILES})


def published(target: Target) -> str:
    """The generation of the result that is there: `none` without a report, `mixed` where not all is of one."""
    bodies = {name: target.read(name) for name in FILES}
    report = bodies["report.json"]
    return "none" if report is None else report.decode() if len(set(bodies.values())) == 1 else "mixed"


def kill_before_change(url: str, step: int) -> None:
    """End this process before the change of this number: of names in a folder, or the next request to a bucket."""
    numbers = count()

    def watched(change: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if next(numbers) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*arguments, **named)

        return call

    if url.startswith("s3://"):
        from botocore.httpsession import URLLib3Session

        URLLib3Session.send = watched(URLLib3Session.send)  # type: ignore[method-assign]
    else:
        for name in ("mkdir", "rename", "replace", "unlink", "rmdir"):
            setattr(os, name, watched(getattr(os, name)))


def steps(url: str, store: Store, unused: Store) -> Iterator[dict[str, Any]]:
    """The first run of all, and one that replaces `old` by `new`, killed before each of their changes."""
    place = place_at(url)
    for before in ("none", "old"):
        for step in count():
            for key in list(place.keys()):
                place.delete(key)
            if before == "old":
                publish(store, "old")
            if not was_killed(forked(lambda step=step: _publish_and_die(url, unused, step))):  # type: ignore[misc]
                break
            target = store.target("s1")
            seen = {"before": before, "step": step, "killed": published(target)}
            with target.workspace():
                seen["recovered"] = published(target)
            publish(store, "next")
            yield {**seen, "next": published(target), "keys": place.keys()}


def _publish_and_die(url: str, store: Store, step: int) -> None:
    kill_before_change(url, step)
    publish(store, "new")


# -- merges, killed at random moments


def moments(url: str, store: Store, unused: Store, kills: int) -> Iterator[dict[str, Any]]:
    """Merges with this option and that in turn, each of which replaces what there is."""
    place = place_at(url)
    chance = random.Random(kills)
    target = store.target(SESSION)
    begun = time.monotonic()
    _merge(store, 0)
    whole_s = time.monotonic() - begun
    for number in range(1, kills + 1):
        pid = forked(lambda number=number: _merge(unused, number))  # type: ignore[misc]
        time.sleep(chance.uniform(0, 1.2 * whole_s))
        os.kill(pid, signal.SIGKILL)
        was_killed(pid)
        seen = {"number": number, "killed": _checked(target)}
        with target.workspace():
            seen["recovered"] = _checked(target)
            settings = json.loads(target.read("report.json") or b"{}")["tool"]["settings"]
        yield {**seen, "came through": (settings["pauses"] == "keep") == bool(number % 2)}
    _merge(store, kills + 1)
    yield {"number": kills + 1, "killed": "", "recovered": _checked(target), "keys": place.keys()}


def tidied(url: str, store: Store, unused: Store) -> Iterator[dict[str, Any]]:
    """Forced merges, killed before each of their changes; what lies there after a run that finds nothing to do."""
    place = place_at(url)
    _merge(store, 0)
    for step in count():
        if not was_killed(forked(lambda step=step: _merge_and_die(url, unused, step))):  # type: ignore[misc]
            return
        there = place.keys()
        left = [key for key in there if ".sessiontool" in key]
        result = _merge(store, 0, force=False)
        yield {
            "step": step,
            "left": left,
            "unchanged": result.unchanged,
            "recovered": _checked(store.target(SESSION)),
            "keys": place.keys(),
        }


def _merge_and_die(url: str, store: Store, step: int) -> None:
    kill_before_change(url, step)
    _merge(store, 0)


def _merge(store: Store, number: int, *, force: bool = True) -> MergeResult:
    options = MergeOptions(align=False, pauses="keep" if number % 2 else "close", force=force)
    return merge_session(store, SESSION, store.target(SESSION), options)


def _checked(target: Target) -> str:
    """`none` without a report, `whole`, or what is wrong."""
    try:
        return "; ".join(one.message for one in verify_session(SESSION, target).findings) or "whole"
    except NotFoundError:
        return "none"


def main() -> None:
    what, url, *more = sys.argv[1:]
    # The runs that are forked share a store that has no connections yet: each opens its own.
    with open_store(url) as store, open_store(url) as unused:
        if what == "moments":
            seen = moments(url, store, unused, int(more[0]))
        else:
            seen = {"steps": steps, "tidied": tidied}[what](url, store, unused)
        json.dump(list(seen), sys.stdout)


if __name__ == "__main__":
    main()
