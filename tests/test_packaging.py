"""What is installed: the wheel has the package, its types and nothing of the tests."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import zipfile
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import sessiontool
from sessiontool.errors import install_line

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel built from the source."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(PROJECT)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return archive.namelist()


def test_it_holds_the_whole_package_and_that_it_is_typed(wheel: list[str]) -> None:
    package = PROJECT / "src" / "sessiontool"
    assets = (package / "sessions" / "page" / "assets").iterdir()
    source = {path.relative_to(PROJECT / "src").as_posix() for path in (*package.rglob("*.py"), *assets)}
    assert source <= set(wheel)
    assert any(name.endswith(".js") for name in wheel)
    assert "sessiontool/py.typed" in wheel


def test_it_holds_nothing_else(wheel: list[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"sessiontool"}
    assert not [name for name in wheel if "test" in name]
    assert any(name.endswith("/licenses/LICENSE") for name in wheel)


def test_what_is_installed_is_this_version() -> None:
    assert version("sessiontool") == sessiontool.__version__


def test_tools_of_developers_are_extras() -> None:
    always = [line for line in requires("sessiontool") or () if "extra ==" not in line]
    assert always
    assert not [line for line in always if line.startswith(("pytest", "hypothesis", "mypy", "ruff", "seaweedfs"))]


def test_the_line_for_an_extra_names_its_packages() -> None:
    """By pip itself: sessiontool is in no index that could bring its extras."""
    argv = shlex.split(install_line("words"))
    assert argv[0] == sys.executable
    done = subprocess.run([*argv, "--dry-run", "--no-deps"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "num2words" in done.stdout


def test_a_package_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "av").mkdir()
    (tmp_path / "av" / "__init__.py").write_text('raise ModuleNotFoundError("No module named av", name="av")\n')
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    call = [sys.executable, "-m", "sessiontool", "merge", "demo", "-s", str(PROJECT / "samples"), "-o", str(tmp_path)]
    around = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=around, timeout=60)
    assert (done.returncode, "the package av is not installed" in done.stderr) == (1, True), done.stderr
    assert "bug" not in done.stderr
    plain = subprocess.run([*call, "--no-align"], capture_output=True, text=True, check=False, env=around, timeout=60)
    assert plain.returncode == 0, plain.stderr
