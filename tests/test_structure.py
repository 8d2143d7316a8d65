"""What keeps the tree findable: few entries at the top, short modules, one meaning a name, answers that are true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import sessiontool

PACKAGE = Path(sessiontool.__file__).parent
PROJECT = Path(__file__).parent.parent
MODULES = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}

MOST_AT_THE_TOP = 37
MOST_LINES = 350
SHORT_LINES = 150
LEAST_SHARE_SHORT = 2 / 3


def test_the_top_of_the_package_has_few_entries() -> None:
    entries = [path.name for path in PACKAGE.iterdir() if path.is_file() or any(path.rglob("*.py"))]
    assert len(entries) <= MOST_AT_THE_TOP, sorted(entries)


def test_modules_are_short() -> None:
    lines = {str(path.relative_to(PACKAGE)): text.count("\n") for path, text in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
    assert sum(count < SHORT_LINES for count in lines.values()) >= LEAST_SHARE_SHORT * len(lines)


def test_a_public_class_name_means_one_thing() -> None:
    homes: dict[str, list[str]] = {}
    for path, text in MODULES.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_an_init_holds_names_and_no_logic() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, text in MODULES.items()
        if path.name == "__init__.py" and path.parent != PACKAGE
        for node in ast.parse(text).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.For, ast.While))
    ]
    assert wrong == []


def test_the_answers_in_contributing_are_files() -> None:
    page = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*\?) \| `(\S+\.py)` \|$", page, re.MULTILINE)
    assert len(rows) >= 10
    assert [answer for _, answer in rows if not (PACKAGE / answer).is_file()] == []
