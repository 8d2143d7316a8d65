"""The page on licences says of every package what it says itself, and the lock files have every package."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from licences import EXTRAS, PROJECT, licence_of, needed, packages, wanted
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = (PROJECT / "docs" / "licences.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \| (?:`\[(\w+)\]`)? *\|$", PAGE, re.MULTILINE)
LOCKS = {
    name: (PROJECT / "deploy" / f"{name}.txt").read_text("utf-8") for name in ("requirements", "requirements-build")
}
PERMISSIVE = {"0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0"}


def family(licence: str) -> str:
    return licence.partition("-")[0]


def locked(name: str) -> list[tuple[Requirement, int]]:
    """Each line of a lock file, and how many hashes it has."""
    entries = re.split(r"^(?=[a-z])", LOCKS[name], flags=re.MULTILINE)[1:]
    return [(Requirement(one.partition("\\")[0].strip()), one.count("--hash=sha256:")) for one in entries]


def test_every_package_is_on_the_page_with_the_licence_it_says() -> None:
    """By family, as versions differ in how they write it; what a newer version needs besides must be permissive."""
    pytest.importorskip("pocketsphinx", reason="it is not installed: it has no wheel for this Python")
    installed = {name: licence_of(name) for name in packages()}
    shown = {name: licence for name, licence, _ in ROWS}
    assert {name: family(shown[name]) for name in shown if name in installed} == {
        name: family(licence) for name, licence in installed.items() if name in shown
    }, "python tests/licences.py prints the table"
    assert {licence for name, licence in installed.items() if name not in shown} <= PERMISSIVE
    asked = {canonicalize_name(one.name) for extra in EXTRAS for one in wanted(extra)}
    assert asked <= set(shown)


def test_what_is_not_permissive_is_named_in_the_text() -> None:
    text = PAGE.partition("| package |")[0]
    for name, licence, extra in ROWS:
        assert licence in PERMISSIVE or (name in text and f"[{extra}]" in text), name
    bundled = {path.name.partition("-")[0] for path in metadata.files("av") or () if "av.libs" in path.parts}
    assert {"libx264", "libx265"} <= bundled, "PyAV's wheel has them no more: say so on the page"
    assert all(name in text for name in ("libx264", "libx265"))


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_file_has_hashes(name: str) -> None:
    lines = locked(name)
    assert len(lines) > 5
    for one, hashes in lines:
        assert re.fullmatch(r"==[^*]+", str(one.specifier)), one
        assert hashes > 0, one


def test_the_lock_file_has_what_pyproject_asks_for() -> None:
    """Each requirement is met by the version there, and nothing that is needed for it is left out."""
    lines = [one for one, _ in locked("requirements")]
    asked = [*wanted(), *wanted("lambda")]
    for python in ("3.11", "3.12", "3.13", "3.14"):
        there = {"python_version": python, "python_full_version": f"{python}.0"}
        versions = {
            canonicalize_name(one.name): next(iter(one.specifier)).version
            for one in lines
            if one.marker is None or one.marker.evaluate(there)
        }
        for one in asked:
            if one.marker is None or one.marker.evaluate(there):
                assert one.specifier.contains(versions[canonicalize_name(one.name)]), (python, one)
    locks: dict[str, str] = {canonicalize_name(one.name): str(one.specifier) for one in lines}
    for name in needed(asked) & set(locks):
        if f"=={metadata.version(name)}" == locks[name]:  # what is installed is what is locked
            assert needed([Requirement(name)]) <= set(locks), name


def test_the_image_is_made_of_the_locked_files_alone() -> None:
    text = (PROJECT / "deploy" / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    bases = re.findall(r"^(?:ARG BASE=|FROM )(\S+)", text, re.MULTILINE)
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim@sha256:[0-9a-f]{64}", bases[0])
    assert bases[1:] == ["$BASE", "$BASE"]
    for call in re.findall(r"\S*/pip (?:install|wheel)[^&]*", text):
        assert "--require-hashes" in call or "--no-deps" in call, call
        assert "wheel" not in call.split()[1] or "--no-build-isolation" in call, call


def test_the_extras_on_the_page_are_those_for_users() -> None:
    assert {extra for _, _, extra in ROWS} == set(EXTRAS)
