"""The examples in the documentation, read from its pages and run.

A ```console block is a terminal: lines that begin with `$ ` are commands, what follows is what they print (`...` alone
on a line stands for any lines).  A block whose first line has a second word (```python merge_one.py) is a file of that
name.  A page is run from top to bottom in a folder of its own.

    python tests/doc_examples.py --update

writes into the pages what the commands print now, and makes docs/cli.md, the tables of modules and settings, and
what pages say of findings anew.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from terminals import raw, screen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROJECT = Path(__file__).parent.parent
PAGES = (
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    PROJECT / "samples" / "README.md",
    PROJECT / "samples" / "recorder" / "README.md",
    *sorted((PROJECT / "docs").glob("*.md")),
)
CLI_PAGE = PROJECT / "docs" / "cli.md"
SCREENS = PROJECT / "docs" / "screens.md"
"""The page whose commands are typed at a terminal."""
MEANINGS = PROJECT / "src" / "sessiontool" / "sessions" / "page" / "assets" / "findings.json"
STORE_ON_S3 = "sessions"
"""The prefix in the test server's bucket under which the pages find the sample."""

_BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SETS_UP = re.compile(r"python3 -m venv|pip install")


@dataclass(frozen=True, slots=True)
class Example:
    """A command of a page and what the page says it prints, or a file that the page shows (`name`)."""

    page: Path
    line: int
    command: str = ""
    printed: str = ""
    name: str = ""

    @property
    def sets_up(self) -> bool:
        """Whether it makes an environment, which the environment that runs the examples was made by."""
        return bool(_SETS_UP.search(self.command))

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.line}: {self.command or self.name}"


def blocks(page: Path) -> Iterator[tuple[str, str, str, int]]:
    """(kind, file name, text, first line) of each fenced block of a page."""
    content = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(content):
        yield found["kind"], found["name"] or "", found["text"], content.count("\n", 0, found.start()) + 2


def examples(page: Path) -> list[Example]:
    found: list[Example] = []
    for kind, name, text, line in blocks(page):
        if kind == "console":
            found += _commands(page, text, line)
        elif name:
            found.append(Example(page, line, name=name, printed=text))
    return found


def _commands(page: Path, text: str, line: int) -> Iterator[Example]:
    assert text.startswith("$ "), f"{page.name}:{line}: a console block begins with a command"
    for part in re.split(r"^(?=\$ )", text, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield Example(page, line, command.removeprefix("$ "), printed)
        line += part.count("\n")


def run(example: Example, folder: Path, environment: Mapping[str, str]) -> str:
    """Do what an example says, in `folder`; returns what it prints (AssertionError where it fails)."""
    if example.name:
        (folder / example.name).write_text(example.printed, encoding="utf-8")
        return example.printed
    argv = ["bash", "-o", "pipefail", "-c", example.command]
    if example.page == SCREENS:
        return _on_screen(example, argv, folder, environment)
    done = subprocess.run(
        *(argv,),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{example}\nexit code {done.returncode}\n{done.stdout}"
    assert "this is a bug" not in done.stdout, f"{example}\n{done.stdout}"
    return done.stdout


def _on_screen(example: Example, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """What is left on a terminal of 80 columns, on which a command may end with any exit code that the page has."""
    around = {name: value for name, value in environment.items() if name != "COLUMNS"}
    _, written = raw(80, argv, {**around, "TERM": "xterm", "NO_COLOR": "1"}, folder)
    printed = screen(written).removeprefix("\n")
    assert "this is a bug" not in printed, f"{example}\n{printed}"
    return printed


def agree(page: str, printed: str) -> bool:
    """Whether a command printed what the page says, numbers to one in a hundred: the last digit is the machine's."""
    found = re.fullmatch(_pattern(page), printed)
    return found is not None and all(map(_close, _NUMBER.findall(page), found.groups()))


def _pattern(page: str) -> str:
    """A regular expression for what a page says, with a group for each number in it."""
    lines = []
    for line in page.splitlines(keepends=True):
        words = _NUMBER.split(line)
        lines.append(r"(?:.*\n)*?" if line == "...\n" else r"(\d+(?:\.\d+)?)".join(map(re.escape, words)))
    return "".join(lines)


def _close(one: str, other: str) -> bool:
    a, b = float(one), float(other)
    return abs(a - b) <= max(0.02, 0.01 * max(a, b)) if "." in one + other else a == b or abs(a - b) <= 0.01 * max(a, b)


def environment_of(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """What an example finds around it: our Python first, nobody's settings, a terminal of 100 columns."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    nobody = {"HOME": str(folder), "COLUMNS": "100", "LC_ALL": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}
    kept = {name: os.environ[name] for name in ("TMPDIR", "PYTHONPATH") if name in os.environ}
    return kept | nobody | {"PATH": programs} | dict(more)


def prepare(folder: Path) -> None:
    """What a page finds in its folder: the samples."""
    (folder / "samples").symlink_to(PROJECT / "samples")


def cli_page() -> str:
    """docs/cli.md: the help of every command, as it is."""
    from sessiontool.cli import COMMANDS

    sections = [f"## {name}\n\n```console\n$ sessiontool {name} --help\n```\n" for name in COMMANDS]
    top = (
        "# Every command and option\n\nWhat `--help` prints.  A test keeps this page as it is; "
        "`python tests/doc_examples.py --update` writes it.\n\n```console\n$ sessiontool --help\n```\n"
    )
    return "\n".join([top, *sections])


def with_tables(page: Path) -> str:
    """A page with the tables in it that are made from the source (`<!-- table: NAME -->` to `<!-- end -->`)."""

    def table(found: re.Match[str]) -> str:
        return f"{found[1]}\n" + "\n".join(_TABLES[found[2]]()) + f"\n\n{found[3]}"

    pattern = r"(<!-- table: (\w+) .*-->\n)(?:.*\n)*?(<!-- end -->)"
    return re.sub(pattern, table, page.read_text(encoding="utf-8"))


def _modules() -> list[str]:
    """Every module in the order of the import directions, and what it says it is."""
    from test_imports import LEVELS, MODULES, unit_of

    rows = ["| module | what it is |", "|---|---|"]
    for unit in " ".join(LEVELS).split():
        own = [name for name in MODULES if name and unit_of(name) == unit]
        rows += [f"| `{_shown(MODULES[name])}` | {_first_sentence(MODULES[name])} |" for name in own]
    return rows


def _settings() -> list[str]:
    """Every setting, its variable and what it does."""
    from sessiontool.config import TABLE, setting_names

    rows = ["| in the file | in the environment | what it says | default |", "|---|---|---|---|"]
    for one in map(TABLE.__getitem__, setting_names()):
        default = one.meta.default if one.meta.kind is not bool else str(one.meta.default).lower()
        shown = f"`{default}`" if default is not None else one.meta.shown_default
        rows.append(f"| `{one.name}` | `{one.variable}` | {one.meta.help} | {shown} |")
    return rows


def meanings() -> str:
    """What pages say of findings: cause, what was done and what to do of each code, from docs/findings.md."""
    page = (PROJECT / "docs" / "findings.md").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {}
    for code, section in re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL):
        items = re.findall(r"^- (Cause|What was done|What to do): (.*(?:\n  .*)*)", section, re.MULTILINE)
        found[code] = {
            {"Cause": "cause", "What was done": "done", "What to do": "todo"}[a]: _plain(b) for a, b in items
        }
    rows = (f"{json.dumps(code)}: {json.dumps(found[code], ensure_ascii=False)}" for code in sorted(found))
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _plain(markdown: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown).replace("`", "").replace("*", "")
    return " ".join(text.split())


_TABLES = {"modules": _modules, "settings": _settings}


def _shown(path: Path) -> str:
    from test_imports import PACKAGE

    place = path.relative_to(PACKAGE)
    return f"{place.parent.as_posix()}/" if path.name == "__init__.py" else place.as_posix()


def _first_sentence(path: Path) -> str:
    paragraph = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    return re.split(r"(?<=[.?])\s\s", " ".join(paragraph.split("\n")))[0].replace("|", "\\|")


def updated(page: Path, environment: Mapping[str, str]) -> str:
    """The page with what its commands print now, except where it leaves lines out."""
    content, place = page.read_text(encoding="utf-8"), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        around = environment_of(folder, environment)
        for example in examples(page):
            if example.sets_up:
                continue
            printed = run(example, folder, around)
            if example.command and not re.search(r"^\.\.\.$", example.printed, re.MULTILINE):
                old, new = (f"$ {example.command}\n{text}" for text in (example.printed, printed))
                place = content.index(old, place)
                content = content[:place] + new + content[place + len(old) :]
                place += len(new)
    return content


def main(arguments: Sequence[str]) -> None:
    if list(arguments) != ["--update"]:
        sys.exit(__doc__)
    CLI_PAGE.write_text(cli_page(), encoding="utf-8")
    MEANINGS.write_text(meanings(), encoding="utf-8")
    for page in PAGES:
        page.write_text(with_tables(page), encoding="utf-8")
    with ExitStack() as stack:
        from s3server import run_s3_server

        server = stack.enter_context(run_s3_server(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        upload_sample(server.client())
        for page in PAGES:
            try:
                page.write_text(updated(page, server.environment()), encoding="utf-8")
            except AssertionError as error:
                sys.stderr.write(f"{error}\n")


def upload_sample(client: object) -> None:
    """Put the sample where the pages look for it on S3."""
    from s3server import BUCKET

    for path in filter(Path.is_file, (PROJECT / "samples" / "demo").rglob("*")):
        key = f"{STORE_ON_S3}/{path.relative_to(PROJECT / 'samples').as_posix()}"
        client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1:])
