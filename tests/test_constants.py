"""Every numeric constant of a module says its unit, and where its value comes from.

Said in a docstring below the constant or a comment on its lines; a group in one assignment shares one.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sessiontool

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(sessiontool.__file__).parent

IDS = PACKAGE / "media/matroska/ebml.py"  # element ids of RFC 9559, by the names that they have there

SOURCE = re.compile(
    r"\b(chosen|measured|fitted|derived|definition|Opus in ISOBMFF|RFC \d+|ISO/IEC \d+|QTFF|ITU|SRT)\b",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"(?i)\b(bytes?|bits?|ms|s|seconds|samples?|packets?|frames?|blocks?|elements?|pages?|chunks?|tracks?|letters|words?|"
    r"characters|digits|cells|lines?|cues?|pieces|dB|Hz|shares?|costs?|prices?|weights?|units?|flags?|fields?|votes|"
    r"version|processes|threads|steps|groups|numbers|findings|places|checksums|cluster|TrackType|levels?|colou?rs?|"
    r"scores?|ids|taps|rates?|ratios?|factor|tokens?|hours|cuts|granule|path|parts|marks|events|items|names|requests|"
    r"objects|keys|files|sessions|confidences|inches|minutes|times|heights|exit code)\b"
)
UNIT_IN_NAME = re.compile(
    r"_(BYTES|MS|S|US|NS|DB|CELLS|SAMPLES|PACKETS|BITS|LINES|LETTERS|DIGITS|WORDS|CUTS|PAGES|FRAMES|STEPS|CHARS|CHARACTERS|HZ|MINUTES)(_|\b)"
)


def is_number(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.Tuple(elts=values) | ast.List(elts=values) | ast.Set(elts=values) | ast.Dict(values=values):
            return any(map(is_number, values))
        case ast.BinOp(left=left, right=right):
            return (is_number(left) or is_number(right)) and not is_text(left)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.Call(args=values):
            return any(map(is_number, values))
    return False


def is_text(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Constant) and isinstance(one.value, str | bytes) for one in ast.walk(node))


def constants(source: str) -> Iterator[tuple[str, str]]:
    """The names of each assignment of numbers on a module's top level, and what is said of them."""
    lines = source.splitlines()
    body = ast.parse(source).body
    for node, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None or not is_number(node.value):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        said = [line.partition("  # ")[2] for line in lines[node.lineno - 1 : node.end_lineno]]
        match following:
            case ast.Expr(value=ast.Constant(value=str(text))):
                said.append(text)
        yield ", ".join(map(ast.unparse, targets)), " ".join(said)


def lacks(name: str, said: str) -> str:
    if not SOURCE.search(said):
        return f"{name} does not say where its value comes from: {said!r}"
    if not UNIT_IN_NAME.search(name) and not UNIT.search(said):
        return f"{name} does not say its unit: {said!r}"
    return ""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_constants_say_their_unit_and_source(path: Path) -> None:
    if path != IDS:
        assert not [why for name, said in constants(path.read_text(encoding="utf-8")) if (why := lacks(name, said))]


@pytest.mark.parametrize(
    ("source", "is_good"),
    [
        ("_MOST = 5\n", False),
        ("_MOST = 5  # packets\n", False),
        ("_MOST = 5  # chosen\n", False),
        ("_MOST = 5  # packets; chosen\n", True),
        ("_MOST_BYTES = 1 << 20  # chosen: bounds memory\n", True),
        ('_A, _B = 1, 2\n"""Shares.  Measured on a dozen recordings."""\n', True),
        ("_TABLE = {\n    'a': 1,  # ms, RFC 3533\n}\n", True),
        ("_NAME = 'five'\n", True),
        ("_PATTERN = b'abc' * 3\n", True),
    ],
)
def test_the_rule_itself(source: str, is_good: bool) -> None:
    assert is_good == (not [why for name, said in constants(source) if (why := lacks(name, said))])
