"""The licence of every package that sessiontool and its extras need, as the packages themselves say it.

    python tests/licences.py

prints the table in docs/licences.md from what is installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parent.parent

EXTRAS = ("", "formats", "ffmpeg", "dask", "lambda", "pii", "plot", "vad", "words")
"""Those for users; without an extra, what is always needed."""

_CLASSIFIERS = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
}
_TEXTS = {
    r"Apache": "Apache-2.0",
    r"MIT\b|Permission is hereby granted, free of charge": "MIT",
    r"License agreement for matplotlib": "PSF-2.0",
    r"MPL-2\.0": "MPL-2.0",
    r"(?i)\bBSD\b": "BSD",
}


def licence_of(name: str) -> str:
    """A short name for what a package says in its metadata; the first of several (LookupError for what is unknown)."""
    said = metadata.metadata(name).json
    if expression := said.get("license_expression"):
        return re.split(r" AND | OR ", str(expression).strip("() "))[0].strip("() ")
    for classifier in said.get("classifier", ()):
        *_, last = classifier.split(" :: ")
        if classifier.startswith("License ::") and last in _CLASSIFIERS:
            return _CLASSIFIERS[last]
    for pattern, short in _TEXTS.items():
        if re.search(pattern, str(said.get("license", ""))):
            return short
    raise LookupError(f"{name} says nothing known of its licence: {said.get('license')!r:.80}")


def wanted(extra: str = "") -> list[Requirement]:
    """What pyproject.toml asks for, always or for an extra."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    return list(map(Requirement, project["optional-dependencies"][extra] if extra else project["dependencies"]))


def needed(asked: list[Requirement]) -> set[str]:
    """The packages that are needed on this machine for what is asked for, by what is installed."""
    found: set[tuple[str, str]] = set()
    left = [(one, "") for one in asked]
    while left:
        one, extra = left.pop()
        if one.marker and not one.marker.evaluate({"extra": extra}):
            continue
        new = {(canonicalize_name(one.name), each) for each in ("", *one.extras)} - found
        found |= new
        left += [(Requirement(text), each) for name, each in new for text in metadata.requires(name) or ()]
    return {name for name, _ in found}


def packages() -> dict[str, str]:
    """Every package that is needed on this machine, and the extra that needs it first; empty for always."""
    found: dict[str, str] = {}
    for extra in reversed(EXTRAS):
        found |= dict.fromkeys(needed(wanted(extra)), extra)
    return found


def rows() -> list[str]:
    by_use = sorted(packages().items(), key=lambda one: (EXTRAS.index(one[1]), one[0]))
    return [f"| `{name}` | {licence_of(name)} | {f'`[{extra}]`' if extra else ''} |" for name, extra in by_use]


if __name__ == "__main__":
    sys.stdout.write("\n".join(["| package | licence | for |", "|---|---|---|", *rows()]) + "\n")
