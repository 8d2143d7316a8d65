"""A recorder for each role, in folders of their own: named, and each merged by itself by its own notes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from recordings import blobs, chrome

from sessiontool import MergeOptions, merge
from sessiontool.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

ROLES = ("user", "assistant")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("roles")
    parts = []
    for number, role in enumerate(reversed(ROLES)):
        chunks = blobs(chrome(80, seed=number), 40)
        folder = root / "s" / "chunks" / role / "000"
        folder.mkdir(parents=True)
        listed = []
        for seq, data in enumerate(chunks):
            (folder / f"{seq:06}.webm").write_bytes(data)
            listed.append({"seq": seq, "bytes": len(data)})
        parts.append({"part": 0, "role": role, "start_ms": 1000.0 * (number + 1), "chunks": listed})
    document = {"schema": "sessiontool.session/1", "session_id": "s", "parts": parts}
    (root / "s" / "session.json").write_text(json.dumps(document))
    return root


def test_recorders_for_each_role_are_named_with_what_works(store: Path) -> None:
    with pytest.raises(RecordingError, match=r"a recorder for each role \(assistant, user\)") as caught:
        merge("s", store=store)
    assert "--layout '{session}/chunks/assistant/{part}/{seq}.{ext}' --output assistant" in caught.value.hint


@pytest.mark.parametrize("role", ROLES)
def test_each_can_be_merged_by_itself_and_by_its_own_notes(store: Path, tmp_path: Path, role: str) -> None:
    layout = f"{{session}}/chunks/{role}/{{part}}/{{seq}}.{{ext}}"
    result = merge("s", store=store, output=tmp_path, layout=layout, options=MergeOptions(align=False))
    assert {finding.code for finding in result.findings if finding.severity == "error"} == set()
    first = result.report["timeline"][0]
    assert first["session_ms"][0] == pytest.approx(2000 if role == "user" else 1000, abs=1)
