"""The recorder sample as a project of its own: its tests, its size, its lock file, and a newcomer's two commands."""

from __future__ import annotations

import json
import re

import pytest
from recorder_page import SAMPLE, npm

PATIENCE_S = 60


@pytest.mark.parametrize(("name", "most"), [("recorder.js", 450), ("queue.js", 250), ("server.mjs", 250)])
def test_it_can_be_read_in_one_go(name: str, most: int) -> None:
    assert len((SAMPLE / name).read_text().splitlines()) <= most


@pytest.mark.parametrize("name", ["recorder.js", "queue.js"])
def test_what_is_copied_needs_nothing_else(name: str) -> None:
    assert not re.search(r"^import\b|\bimport\((?!\")|require\(", (SAMPLE / name).read_text(), re.MULTILINE)


def test_the_queue_passes_its_own_tests() -> None:
    done = npm("test")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^# pass \d\d", done.stdout, re.MULTILINE)


def test_the_lock_file_names_no_host_and_every_package_by_its_hash() -> None:
    lock = json.loads((SAMPLE / "package-lock.json").read_text())
    packages = {place: one for place, one in lock["packages"].items() if place}
    assert len(packages) > 50
    assert [place for place, one in packages.items() if "resolved" in one or "integrity" not in one] == []


def test_every_file_of_the_page_is_served() -> None:
    (listed,) = re.findall(r"FILES = new Set\(\[(.*?)\]", (SAMPLE / "server.mjs").read_text(), re.DOTALL)
    served = set(re.findall('"([^"]+)"', listed))
    there = {str(path.relative_to(SAMPLE)) for path in (*SAMPLE.glob("*.js"), *SAMPLE.glob("demo/*.js*"))}
    assert served == there - {"eslint.config.js", "package.json"} | {"index.html"}
