"""Objects of documents: what is plainly right is read alike with pydantic and without it, and without it in a merge."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_schemas import SESSION, UTTERANCE

from sessiontool.documents import reading, session
from sessiontool.documents.checked import checked_object
from sessiontool.documents.models import SessionDocument, UtteranceDocument

if TYPE_CHECKING:
    from pathlib import Path


def taken_apart(document: dict[str, Any]) -> dict[str, Any]:
    """session.json as its fields are read: what is said of speakers is taken apart before."""
    copied = copy.deepcopy(document)
    assert session._split_speakers(copied) == []
    return copied


KINDS: dict[type[Any], dict[str, Any]] = {SessionDocument: taken_apart(SESSION), UtteranceDocument: UTTERANCE}
LIMITS = [0, -1, 10**18 - 1, 10**18, 1 << 53, (1 << 53) + 1, 1 << 63, 1e14, 1e14 + 1, -1e14, 1.0, 0.5, 1e300]
TEXTS = ["", "0", "1.5", "true", "\ud83d", "\u00e4", "x" * 255, "x" * 256, "x" * 1025]
VALUES = st.sampled_from([None, True, False, *LIMITS, float("nan"), float("inf"), *TEXTS, [], {}, [None], {"a": "b"}])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something is in a document, and where something of another name might be."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [place for name, held in inner for place in places(held, (*path, name))]
    return [path, *found, *([(*path, "extra"), (*path, "more")] if isinstance(value, dict) else [])]


@given(st.data())
def test_what_is_plainly_right_is_read_alike(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([*KINDS]))
    document = copy.deepcopy(KINDS[kind])
    for place in data.draw(st.lists(st.sampled_from(places(document)[1:]), max_size=3)):
        holder: Any = document
        for step in place[:-1]:
            holder = holder[step] if isinstance(holder, (dict, list)) and step in [*keys(holder)] else {}
        if isinstance(holder, dict) and data.draw(st.booleans()):
            holder.pop(place[-1], None)
        elif isinstance(holder, dict) or (isinstance(holder, list) and place[-1] in keys(holder)):
            holder[place[-1]] = data.draw(VALUES)
    checked, problems = checked_object(kind, copy.deepcopy(document))
    try:
        plain = reading._plain_object(kind, document)
    except reading._DoubtError:
        assert reading.read_object(kind, document) == (checked, problems)
    else:
        assert repr(plain) == repr(checked), "equal, and of the same types"
        assert problems == []


def keys(holder: Any) -> Any:
    return holder if isinstance(holder, dict) else range(len(holder))


@pytest.mark.parametrize("kind", KINDS)
def test_what_writers_write_is_plainly_right(kind: type[Any]) -> None:
    reading._plain_object(kind, copy.deepcopy(KINDS[kind]))


def test_pydantic_is_loaded_for_what_is_in_doubt_alone(tmp_path: Path) -> None:
    """As it takes longer to load than a short session to merge."""
    program = (
        "import sys, json; from sessiontool.documents.session import read_session;"
        "print(json.dumps([read_session(sys.argv[1].encode(), 's')[0].parts[0].start_ms, 'pydantic' in sys.modules]))"
    )
    for start_ms, expected in ((700, [700.0, False]), ("700", [700.0, True])):
        document = json.dumps({"parts": [{"part": 0, "start_ms": start_ms}]})
        run = subprocess.run([sys.executable, "-c", program, document], check=True, capture_output=True, text=True)
        assert json.loads(run.stdout) == expected
