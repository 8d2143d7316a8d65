"""The recorder sample in a real Firefox."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from firefox import Firefox
from recorder_page import run_ingest, speech
from recorder_scene import (
    UPLOAD_S,
    UPLOADS,
    Uploaded,
    again_where_starved,
    assert_blobs_are_in,
    assert_captions_are_where_words_sound,
    begin,
    converse,
    end,
)
from s3server import free_ports

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@again_where_starved
def test_a_conversation_while_the_server_is_away(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    """Its recorder cannot be witnessed, so what the page noted of its blobs has to do."""
    session = converse_while_the_server_is_away(tmp_path, s3_url)
    scene = Uploaded(tmp_path, s3_url, s3_client)
    result = scene.merge(session)
    (part,) = scene.document(session)["parts"]
    assert_blobs_are_in(scene, result, part["chunks"])
    assert_captions_are_where_words_sound(result, lines=[0, 1])


def converse_while_the_server_is_away(folder: Path, s3_url: str) -> str:
    """Record two turns, of which the second has no server; returns the session's id."""
    port = str(free_ports(1)[0])
    with closing(Firefox(folder / "f", speech(folder / "m.wav", range(2)))) as browser:
        with run_ingest(s3_url, PORT=port) as ingest:
            page = browser.open(f"{ingest.url}/")
            session = begin(page)
            browser.speak()
            converse(page, 0, turns=1)
        page.wait_for(f"parseInt({UPLOADS}) >= 2", UPLOAD_S)  # a Firefox that is busy hands blobs out late
        with run_ingest(s3_url, PORT=port):
            converse(page, 1, turns=2)
            end(page)
    return session
