"""Every command in the documentation does what its page says, and every table names what is there."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from doc_examples import (
    CLI_PAGE,
    MEANINGS,
    PAGES,
    PROJECT,
    SCREENS,
    Example,
    agree,
    blocks,
    cli_page,
    environment_of,
    examples,
    meanings,
    prepare,
    run,
    upload_sample,
    with_tables,
)

import sessiontool
from sessiontool import LogOptions, errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from s3server import S3Server

SOURCE = PROJECT / "src" / "sessiontool"
README, FINDINGS, EXIT_CODES = (PROJECT / name for name in ("README.md", "docs/findings.md", "docs/exit-codes.md"))
DRIFTED = "run `python tests/doc_examples.py --update` and look at what it changes"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_the_commands_of_a_page_do_what_it_says(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found = [example for example in examples(page) if not example.sets_up]
    if any("--words" in example.command or "--phones" in example.command for example in found):
        pytest.importorskip("pocketsphinx", reason="it is not installed: it has no wheel for this Python")
    more: dict[str, str] = {}
    if any("s3://" in example.command for example in found):
        server: S3Server = request.getfixturevalue("s3_server")
        client = server.client()
        upload_sample(client)
        client.close()
        more = server.environment()
    prepare(tmp_path)
    around = environment_of(tmp_path, more)
    for example in found:
        printed = run(example, tmp_path, around)
        assert agree(example.printed, printed), f"{example}\nprints now:\n{printed}\n{DRIFTED}"


def test_the_first_command_works_on_a_fresh_machine(tmp_path: Path) -> None:
    """In a copy of the tree, with a Python and nothing else on PATH: no ffmpeg, no account, no server."""
    first = next(example for example in examples(README) if example.sets_up)
    for name in ("pyproject.toml", "README.md", "LICENSE", "src", "samples"):
        (tmp_path / name).symlink_to(PROJECT / name)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    around = environment_of(tmp_path, {"PATH": str(programs), "PIP_NO_COMPILE": "1"})  # as is done when it is run
    around.pop("PYTHONPATH", None)
    done = subprocess.run(
        ["/bin/bash", "-c", first.command], cwd=tmp_path, env=around, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = next(example for example in examples(README) if example.command in first.command and not example.sets_up)
    assert agree(shown.printed, done.stdout), f"prints now:\n{done.stdout}\n{DRIFTED}"
    assert (tmp_path / "merged" / "demo" / "audio.webm").stat().st_size > 600_000


def test_ci_runs_the_second_command() -> None:
    script = (PROJECT / ".ci" / "run").read_text()
    wanted = re.search(r"tests=\$\(sed -n '(.*)' README.md\)", script)
    assert wanted is not None
    found = subprocess.run(["sed", "-n", wanted[1], str(README)], capture_output=True, text=True, check=True).stdout
    assert [example.command for example in examples(README) if "pytest" in example.command] == found.splitlines()


def test_the_page_of_commands_is_what_help_prints() -> None:
    commands = [line for line in cli_page().splitlines() if line.startswith("$ ")]
    assert [f"$ {example.command}" for example in examples(CLI_PAGE)] == commands, DRIFTED


def test_screens_are_of_80_columns() -> None:
    shown = [line for kind, _, text, _ in blocks(SCREENS) if kind == "console" for line in text.splitlines()]
    assert len(shown) > 150
    assert [line for line in shown if len(line) > 80] == []


def test_pages_say_of_findings_what_the_documentation_does() -> None:
    how = "cd tests && python -c 'import doc_examples as d; d.MEANINGS.write_text(d.meanings())'"
    assert MEANINGS.read_text("utf-8") == meanings(), how


def test_the_page_on_scripts_has_every_name_and_argument() -> None:
    rows = [line for line in (PROJECT / "docs/script.md").read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall("`([A-Za-z0-9_]+)`", row)}
    public = {name: getattr(sessiontool, name) for name in sessiontool.__all__ if name != "__version__"}
    functions = [
        one for one in public.values() if inspect.isfunction(one) and one.__module__.startswith("sessiontool.api.")
    ]
    assert {one.__name__ for one in functions} <= named
    for one in functions:
        assert set(list(inspect.signature(one).parameters)[1:]) <= named, one.__name__
    page = (PROJECT / "docs/script.md").read_text()
    assert [name for name in public if name not in page] == []
    for kind in (value for name, value in public.items() if name.endswith("Options") or name == "Limits"):
        assert kind is LogOptions or set(kind.__struct_fields__) <= named, kind.__name__


def test_tables_of_modules_and_settings_are_what_the_source_says() -> None:
    pages = [page for page in PAGES if "<!-- table: " in page.read_text()]
    assert len(pages) == 2
    for page in pages:
        assert page.read_text() == with_tables(page), DRIFTED


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_every_page_is_reachable_from_the_readme() -> None:
    readme = README.read_text()
    for page in PAGES:
        assert page == README or f"({page.relative_to(PROJECT)})" in readme, f"README.md has no link to {page.name}"


def test_the_totals_in_the_readme_are_those_of_the_tables_of_faults() -> None:
    tables = (PROJECT / "docs/faults.md").read_text()
    totals = tables[tables.index("| all together |") :].split("\n\n")[0].strip()
    assert totals.count("\n") == 4
    assert totals in README.read_text()


@pytest.mark.parametrize("kind", ["python", "toml"])
def test_what_is_shown_is_valid(kind: str) -> None:
    parse: dict[str, Any] = {"python": ast.parse, "toml": tomllib.loads}
    shown = [text for page in PAGES for found, _, text, _ in blocks(page) if found == kind]
    assert shown
    for text in shown:
        parse[kind](text)


SEVERITIES = {"info", "warning", "error"}
MAKES_FINDINGS = re.compile(r"^Finding$|problems\.(add|expect)$")


@cache
def nodes_in_source() -> tuple[list[ast.AST], ...]:
    """Every node of each module of the package."""
    return tuple(list(ast.walk(ast.parse(path.read_text()))) for path in SOURCE.rglob("*.py"))


def codes_in_source() -> set[str]:
    """Every code a finding can have: hyphenated literals in modules that make findings, and what is passed as one."""
    made: set[str] = set()
    for nodes in nodes_in_source():
        calls = [node for node in nodes if isinstance(node, ast.Call) and MAKES_FINDINGS.search(ast.unparse(node.func))]
        literals = [node for node in nodes if isinstance(node, ast.Constant)] if calls else []
        passed = {id(node.args[0]) for node in calls if node.args}
        for node in literals:
            if isinstance(node.value, str) and (id(node) in passed or re.fullmatch(r"[a-z]+(-[a-z]+)+", node.value)):
                made.add(node.value)
    return made


def test_every_finding_is_explained_and_no_other() -> None:
    explained = re.findall(r"^### ([a-z-]+)$", FINDINGS.read_text(), re.MULTILINE)
    assert len(explained) == len(set(explained))
    assert set(explained) == codes_in_source()


def severities_in_source() -> set[tuple[str, str]]:
    """Each code with each severity that stands next to it in a call, on either side of a conditional expression too."""
    made: set[tuple[str, str]] = set()
    for nodes in nodes_in_source():
        for node in nodes:
            if isinstance(node, ast.Call):
                for code, severity in pairwise(node.args):
                    made |= {(a, b) for a in literals(code) for b in literals(severity) if b in SEVERITIES}
    return made


def literals(node: ast.expr) -> set[str]:
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_a_finding_has_the_severity_that_its_section_says() -> None:
    sections = re.findall(r"^### ([a-z-]+)\n\n\*([a-z, ]+)\.?\*", FINDINGS.read_text(), re.MULTILINE)
    documented = {(code, severity) for code, listed in sections for severity in listed.split(", ")}
    codes = {code for code, _ in sections}
    found = {(code, severity) for code, severity in severities_in_source() if code in codes}
    assert len(found) > 60
    assert found <= documented


def test_every_exit_code_is_listed() -> None:
    listed = set(map(int, re.findall(r"^\| (\d+) \|", EXIT_CODES.read_text(), re.MULTILINE)))
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert listed == {one.exit_code for one in classes} | {0, 130}  # type: ignore[attr-defined]
    for one in classes:
        assert re.search(rf"^\| `{one.__name__}`.* \| {one.exit_code} \|$", EXIT_CODES.read_text(), re.MULTILINE)  # type: ignore[attr-defined]


def test_an_example_that_prints_something_else_is_noticed() -> None:
    page = "done in 3.01 s\n...\n7 files\n"
    assert agree(page, "done in 3.02 s\nand\nmore\n7 files\n")
    assert not agree(page, "done in 3.20 s\n7 files\n")
    assert not agree(page, "done in 3.01 s\n8 files\n")
    assert not agree(page, "done in 3.01 s\n7 files\nwarning\n")


def test_an_example_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="exit code 7"):
        run(Example(README, 1, "exit 7"), tmp_path, environment_of(tmp_path, {}))


@pytest.mark.parametrize("session_id", ["demo", "chrome-load", "firefox-pause"])
def test_every_field_of_a_result_is_explained(session_id: str, merged_session: Callable[[str], Path]) -> None:
    explained = set(re.findall(r"`\.*(\w+)(?:\[\])?`", (PROJECT / "docs" / "formats.md").read_text()))
    for name in ("report.json", "transcript.json"):
        written = json.loads((merged_session(session_id) / name).read_text())
        assert fields(written, apart_from={"settings", "residual_ms"}) <= explained, name


def fields(value: Any, *, apart_from: set[str]) -> set[str]:
    """The names of all fields in a document, without those inside of some."""
    if isinstance(value, list):
        return set().union(*(fields(one, apart_from=apart_from) for one in value))
    if not isinstance(value, dict):
        return set()
    inner = (fields(one, apart_from=apart_from) for name, one in value.items() if name not in apart_from)
    return set(value).union(*inner)
