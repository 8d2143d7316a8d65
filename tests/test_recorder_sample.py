"""The recorder sample as a project of its own: its tests, its size, its lock file, and a newcomer's two commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chromium import Chromium
from recorder_page import ASSISTANT, SAMPLE, SCRIPT, clip, copy_of_sample, node, npm, speech
from second_opinion import RATE, need

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
    # Node.js 20 reports as TAP where no terminal is, and 24 as its own "spec".
    assert re.search(r"^\S pass \d\d$", done.stdout, re.MULTILINE), done.stdout


def test_eslint_and_the_type_checker_find_nothing() -> None:
    done = npm("run", "lint")
    assert done.returncode == 0, done.stdout + done.stderr


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


def shown_commands() -> list[str]:
    """The commands of the section for newcomers in the sample's README."""
    section = (SAMPLE / "README.md").read_text().split("## ")[1]
    return re.findall(r"^\$ (.*)$", section, re.MULTILINE)


def labels(summary: str) -> list[str]:
    """The first word of each line of a summary, but for its first, which begins with the session's id.

    What is good to know is left out: a browser on a busy machine drops a packet now and then, and that is said.
    """
    words = [line.split()[0] for line in summary.strip().splitlines()[1:]]
    return [word for word in words if word != "·"]


@pytest.mark.slow
def test_a_newcomer_gets_from_nothing_to_captions(tmp_path: Path) -> None:
    """In an empty folder, with the commands of the README, no account and no key."""
    install, serve, merge = shown_commands()
    folder = copy_of_sample(tmp_path / "recorder")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPENAI_"))}
    # npm's own settings stay: some networks reach its registry only by them.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "node").symlink_to(node())
    path = (tmp_path / "bin", Path(sys.executable).parent, os.environ["PATH"])
    env |= {"PATH": ":".join(map(str, path)), "HOME": str(tmp_path)}
    env["NPM_CONFIG_USERCONFIG"] = str(Path.home() / ".npmrc")
    need("npm")
    begun_s = time.monotonic()
    installed = subprocess.run(
        install.split(), cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert installed.returncode == 0, installed.stderr
    installed_s = time.monotonic()
    microphone = speech(tmp_path / "microphone.wav", range(2))
    with subprocess.Popen(
        serve.split(), cwd=folder, env=env | {"PORT": "0"}, stdout=subprocess.PIPE, text=True
    ) as server:
        browser = Chromium(tmp_path / "profile", microphone)
        try:
            assert server.stdout is not None
            page = browser.open(server.stdout.readline().split()[1])
            page.click("start")
            page.wait_for("document.querySelectorAll('#turns p').length >= 4", PATIENCE_S)
            time.sleep(len(clip(ASSISTANT, SCRIPT["assistant"][1])) / RATE + 0.6)
            page.click("stop")
            page.wait_for("document.querySelector('#status').textContent.startsWith('finished.')", PATIENCE_S)
            session = page.evaluate("document.querySelector('#session').textContent")
        finally:
            browser.close()
            server.terminate()
    argv = [session if "-" in word and word[0].isdigit() else word for word in merge.split()]
    done = subprocess.run(argv, cwd=folder, env=env, check=True, capture_output=True, text=True, timeout=120)
    times = f"npm ci {installed_s - begun_s:.0f} s, all {time.monotonic() - begun_s:.0f} s"
    (tmp_path / "transcript.txt").write_text("\n".join([times, f"$ {' '.join(argv)}", done.stdout]))
    assert re.search(r"utterances +4 of 4 found", done.stdout)
    assert labels(done.stdout) == labels((SAMPLE / "README.md").read_text().split(merge)[1].split("```")[0])
