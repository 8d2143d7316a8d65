"""Is everything there that sessiontool needs?  Each check does what a run would do, and says what to fix.

Prints nothing, and changes nothing but for one object of its own in the place of results, which it deletes.
"""

from __future__ import annotations

import platform
import re
import shlex
import sys
import time
from importlib import metadata
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .. import __version__
from ..errors import NotFoundError, SessionToolError, install_line
from ..media.opus import SILENT_PACKET_SAMPLES, OpusHead, silent_packet
from ..model import SAMPLE_RATE
from ..storage.checks import doubtful, probe
from ..storage.layout_proposal import proposals
from ..storage.protocols import Check
from . import inputs, requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..storage import Results, Store

_REQUIREMENT = r"(?P<name>[A-Za-z0-9._-]+)[^;]*(?:;.*extra == ['\"](?P<extra>[^'\"]+)['\"])?"
_FROM_PYTHON = r"python_version\s*>=\s*['\"](\d+)\.(\d+)"
_DEVELOPERS = ("test", "dev")
_PACKETS = 50
"""Packets that are decoded to try the decoder; chosen: a second."""
_SESSIONS = 5
"""Number of sessions whose names are looked at, as units of a sample; chosen: a listing each."""
_KEYS = 1000
"""Number of keys of a sample, as units of it; chosen: one page of a listing."""
_DOUBTS = 3
"""Number of doubts that are printed, a line each; chosen."""
_OUTPUT = "output"


def examine(open_store: Callable[[], Store], open_results: Callable[[], Results] | None) -> Iterator[Check]:
    """All checks, one after another; those of the store end where one shows that the rest cannot work.

    `open_results` opens the place of results, where that is not the store.
    """
    yield Check("sessiontool", "ok", f"{__version__}, Python {platform.python_version()} on {platform.platform()}")
    yield from _packages()
    yield probe("decoder", _decode)
    store: Store | None = None

    def opened() -> str:
        nonlocal store
        store = open_store()
        return store.url

    yield probe("store", opened)
    if store is not None:
        with store:
            failed = False
            for check in store.checks(writes=open_results is None):
                failed = failed or check.status == "failed"
                yield check
            if not failed:
                yield probe("names", lambda: _names(store))
    if open_results is not None:
        yield from _results(open_results)


def _results(open_results: Callable[[], Results]) -> Iterator[Check]:
    try:
        results = open_results()
    except SessionToolError as error:
        yield Check(_OUTPUT, "failed", error.message, error.hint, error.exit_code)
        return
    for check in results.checks():
        yield check if check.name == _OUTPUT else replace(check, name=f"{_OUTPUT} {check.name}")


def _is_for_this_python(wanted: str) -> bool:
    """Whether a requirement counts here: some are for Pythons from a version on alone."""
    from_version = re.search(_FROM_PYTHON, wanted)
    return from_version is None or sys.version_info[:2] >= (int(from_version[1]), int(from_version[2]))


def _packages() -> Iterator[Check]:
    """What is installed of what is needed always, and of the extras."""
    missing: dict[str, list[str]] = {}
    present: dict[str, list[str]] = {}
    for wanted in metadata.requires("sessiontool") or ():
        found = re.match(_REQUIREMENT, wanted)
        if found is None or found["extra"] in _DEVELOPERS or not _is_for_this_python(wanted):
            continue
        extra = found["extra"] or ""
        try:
            present.setdefault(extra, []).append(f"{found['name']} {metadata.version(found['name'])}")
        except metadata.PackageNotFoundError:
            missing.setdefault(extra, []).append(found["name"])
    if "" in missing:
        hint = shlex.join([sys.executable, "-m", "pip", "install", *missing[""]])
        yield Check("packages", "failed", f"missing: {', '.join(missing.pop(''))}", hint, SessionToolError.exit_code)
    else:
        yield Check("packages", "ok", ", ".join(present.get("", ())))
    for extra in sorted({*present, *missing} - {""}):
        if extra in missing:
            yield Check(f"extra {extra}", "ok", f"not installed; if you need it: {install_line(extra)}")
        else:
            yield Check(f"extra {extra}", "ok", ", ".join(present[extra]))


def _names(store: Store) -> str | Check:
    """Whether the first sessions hold anything that a merge would not understand, by names and session.json alone."""
    looked, doubts, hints = 0, [], []
    for session_id in islice(store.session_ids(), _SESSIONS):
        try:
            listing = store.list_session(session_id)
        except NotFoundError:  # a folder with nothing in it, or deleted this moment
            continue
        looked += 1
        found = [one for one in inputs.first_look(store.read, listing, time.time()) if one.severity != "info"]
        doubts += [f"{session_id}: {finding.message}" for finding in found]
        hints += [hint for hint in (requirements.layout_hint(listing), *(finding.hint for finding in found)) if hint]
    if odd := next(store.misnamed(), None):
        doubts.append(f"{odd!r} holds chunks, and its name is no session id: no command can name it")
        hints.append("rename such folders: letters, digits, '.', '_' and '-', 128 at most")
    if hints and (fitting := proposals(store.sample_keys(_KEYS))):
        hints.insert(0, "; ".join(map(str, fitting)))
    if doubts:
        more = f"; and {len(doubts) - _DOUBTS} more" if len(doubts) > _DOUBTS else ""
        return doubtful("names", "; ".join(doubts[:_DOUBTS]) + more, hints[0])
    return f"all understood in {looked} session{'s' * (looked != 1)} looked at"


def _decode() -> str | Check:
    try:
        from ..audio.decoder import DECODE_RATE, decode  # noqa: PLC0415 - it is the import that may fail

        samples = sum(decode([silent_packet(2)] * _PACKETS, OpusHead(2, 0), lambda block: block.shape[-1]))
    except (ImportError, OSError) as error:
        raise SessionToolError(
            f"the Opus decoder does not come up: {error}", hint="install av anew; --no-align does without"
        ) from error
    expected = _PACKETS * SILENT_PACKET_SAMPLES * DECODE_RATE // SAMPLE_RATE
    if samples != expected:
        hint = "install av anew; --no-align does without"
        return doubtful("decoder", f"made {samples} samples of {expected}", hint)
    return "decodes Opus"
