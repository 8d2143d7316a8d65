"""Logs in several lists: one for each speaker, channel or page; and lists that are not whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from test_foreign_logs import SAID, WORDS, read, require_times, told

if TYPE_CHECKING:
    from collections.abc import Callable


def of(role: str, **more: Any) -> list[dict[str, Any]]:
    return [{"text": text, "start": start, "end": end} | more for who, text, start, end in SAID if who == role]


def all_of_them() -> list[dict[str, Any]]:
    return [{"role": role, "text": text, "start": start, "end": end} for role, text, start, end in SAID]


PARTED: dict[str, Callable[[], Any]] = {
    "names of roles": lambda: {"user": of("user"), "assistant": of("assistant")},
    "names with roles in them": lambda: {"customerSegments": of("user"), "agent_lines": of("assistant")},
    "one result a role": lambda: {
        "user": {"language": "en", "segments": of("user")},
        "assistant": {"language": "en", "segments": of("assistant")},
    },
    "sides": lambda: {"left": of("user"), "right": of("assistant")},
    "channels by name": lambda: {"channel_0": of("user"), "channel_1": of("assistant")},
    "channels by field": lambda: {
        "channels": [{"channel": 0, "segments": of("user")}, {"channel": 1, "segments": of("assistant")}]
    },
    "a list of channels": lambda: [
        {"channel": 0, "segments": of("user")},
        {"channel": 1, "segments": of("assistant")},
    ],
    "speakers by name": lambda: {
        "speakers": [{"name": "Customer", "turns": of("user")}, {"name": "Agent", "turns": of("assistant")}]
    },
    "pages": lambda: {"pages": [{"page": at, "turns": all_of_them()[at : at + 2]} for at in range(0, len(SAID), 2)]},
    "pages by name": lambda: {f"page_{at}": all_of_them()[at : at + 2] for at in range(0, len(SAID), 2)},
    "what an entry says counts more than what is around it": lambda: {
        "left": of("assistant", speaker="assistant"),
        "right": of("user", speaker="user"),
    },
    "alternatives are one text": lambda: {
        "results": [
            {**one, "alternatives": [{"text": one["text"]}, {"text": "something else"}]} for one in all_of_them()
        ]
    },
    "a short list beside it": lambda: {"transcript": all_of_them(), "notes": [{"text": "call back", "start": 1.0}]},
    "the same once more": lambda: {"transcript": all_of_them(), "artifact": {"messages": all_of_them()}},
}


@pytest.mark.parametrize("name", PARTED)
def test_all_lists_are_read(name: str) -> None:
    found, findings = read(json.dumps(PARTED[name]()), "utterances.json", channels=("user", "assistant"))
    assert sorted(told(found)) == sorted(WORDS)
    assert findings == []
    found.sort(key=lambda one: one.t_start_us or 0)
    require_times(found)


def test_the_number_of_a_page_is_no_channel() -> None:
    pages = {"page_1": of("user"), "page_2": of("assistant")}
    found, _ = read(json.dumps(pages), "utterances.json", channels=("user", "assistant"))
    assert {one.role for one in found} == {""}


def test_a_list_that_may_be_more_of_it_is_named() -> None:
    found, findings = read(json.dumps({"Anna": of("user"), "Ben": of("assistant")}), "utterances.json")
    assert len(found) < len(SAID)
    assert [one.message for one in findings if "Ben (" in one.message or "Anna (" in one.message]
    assert {one.severity for one in findings} == {"warning"}


# -- lists that are not whole


def test_a_list_that_was_cut_is_read_up_to_there() -> None:
    whole = json.dumps(all_of_them())
    found, findings = read(whole[: whole.rindex("{") + 20], "utterances.json")
    assert told(found) == WORDS[:-1]
    (finding,) = findings
    assert f"what follows entry {len(SAID) - 1} was not read" in finding.message


def test_a_comma_too_many_is_no_harm() -> None:
    found, findings = read(json.dumps(all_of_them())[:-1] + ",\n]", "utterances.json")
    assert (told(found), findings) == (WORDS, [])


def test_lines_may_end_as_on_old_macs() -> None:
    found, findings = read("\r".join(map(json.dumps, all_of_them())) + "\r")
    assert (told(found), findings) == (WORDS, [])
