"""HTML pages of a template, styles, scripts and data, under a policy that lets nothing else run.

The policy (Content Security Policy Level 3) names the script and the style by their hashes, so what is not ours does
not run, whatever the data holds.  Data is JSON in an element that no browser runs, without any character that could
end it; the script shows text as text alone.
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from ... import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

_ASSETS = files(__package__) / "assets"

_ESCAPED = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}
"""What could end an element, begin another, or end a line of a script."""


def render(name: str, title: str, data: dict[str, Any], *, media: Iterable[str] = ()) -> str:
    """The page `name` with its data; `media` are the sources from which it may load sound."""
    style, script = _joined(name, "css"), _joined(name, "js")
    policy = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "img-src": "data:",
        "media-src": " ".join(media) or "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    head = Template(_read("shared-head.html")).substitute(
        policy="; ".join(f"{directive} {sources}" for directive, sources in policy.items()),
        title=html.escape(title),
        program=f"sessiontool {__version__}",
        style=style,
    )
    return Template(_read(f"{name}.html")).substitute(head=head, script=script, data=json_in_html(data))


def json_in_html(value: Any) -> str:
    """JSON for an element of HTML: nothing in it can end the element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPED)


@cache
def meanings() -> dict[str, dict[str, str]]:
    """What the documentation says of each finding's code: `cause`, `done` and `todo`."""
    found: dict[str, dict[str, str]] = json.loads(_read("findings.json"))
    return found


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _joined(name: str, ending: str) -> str:
    """The styles or scripts of a page, after those that all pages share, in the order of their names."""
    found = sorted(one.name for one in _ASSETS.iterdir() if one.name.endswith(f".{ending}"))
    own = [one for one in found if one.startswith(("shared-", f"{name}-"))]
    return "\n" + "".join(map(_read, sorted(own, key=lambda one: not one.startswith("shared-"))))


@cache
def _read(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
