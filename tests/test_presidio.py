"""What Presidio finds beside our own finder: in this process alone, with and without a model."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sessiontool import UsageError
from sessiontool.errors import install_line
from sessiontool.sessions.redaction import presidio
from sessiontool.sessions.redaction.asked import RedactRequest
from sessiontool.sessions.redaction.presidio import find_by_presidio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fresh() -> Iterator[None]:
    """What is looked for is read anew: words and models are otherwise read once a process."""
    presidio._analyzer.cache_clear()
    yield
    presidio._analyzer.cache_clear()


def kinds(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find_by_presidio([text])[0]]


@pytest.mark.parametrize(
    ("kind", "said", "text"),
    [
        ("us-passport", "912803456", "Sure.\nMy passport number is 912803456, I think."),
        ("us-driver-license", "F1234567", "my driver license is F1234567"),
        ("uk-nhs", "943 476 5919", "NHS, 943 476 5919"),
        ("ip-address", "10.1.2.3", "the server is at 10.1.2.3"),
        ("email-address", "dana@example.com", "write to dana@example.com"),
        ("crypto", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "to 1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    ],
)
def test_patterns_are_found_without_a_model(kind: str, said: str, text: str) -> None:
    pytest.importorskip("presidio_analyzer", reason="the extra pii is not installed")
    assert (kind, said) in kinds(text)


@pytest.mark.parametrize("text", ["around fifteen hours", "see example.com", "order 12345678", "", "\n \n"])
def test_what_is_no_secret_is_not_found(text: str) -> None:
    pytest.importorskip("presidio_analyzer", reason="the extra pii is not installed")
    assert kinds(text) == []


@pytest.mark.usefixtures("fresh")
def test_names_are_found_by_a_model_that_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("presidio_analyzer", reason="the extra pii is not installed")
    import spacy

    pipeline = spacy.blank("en")
    ruler: Any = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Dana Miller"}])
    pipeline.to_disk(tmp_path / "model")
    monkeypatch.setattr(presidio, "_MODELS", ("none", str(tmp_path / "model")))
    monkeypatch.setattr(presidio, "installed_models", lambda: [str(tmp_path / "model")])
    assert kinds("it is me,\nDana Miller") == [("person", "Dana Miller")]


def test_nothing_is_asked_of_the_network() -> None:
    """In a process of its own: Presidio reaches out once a process."""
    pytest.importorskip("presidio_analyzer", reason="the extra pii is not installed")
    program = """
import sys
def refuse(event, arguments):
    if event in {"socket.getaddrinfo", "socket.connect", "subprocess.Popen"}:
        print(event, arguments)
sys.addaudithook(refuse)
from sessiontool.sessions.redaction.presidio import find_by_presidio
assert find_by_presidio(["mail dana@example.com from 10.1.2.3, or see https://example.org"])[0]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.usefixtures("fresh")
def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(UsageError, match="presidio-analyzer") as refused:
        find_by_presidio(["a"])
    assert install_line("pii") in str(refused.value.hint)


def test_it_is_asked_for_by_name() -> None:
    assert RedactRequest(kinds=("card", "presidio")).finds
    with pytest.raises(UsageError, match="nothing finds") as refused:
        RedactRequest(kinds=("names",))
    assert "presidio" in str(refused.value.hint)
