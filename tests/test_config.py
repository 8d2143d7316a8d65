"""Where settings come from, which wins, and what is said of wrong ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from msgspec.structs import replace

from sessiontool.captions import options_json
from sessiontool.cli import COMMANDS, app
from sessiontool.config import DEFAULT, TABLE, Option, Settings, load_settings, setting_names, value_of
from sessiontool.errors import UsageError
from sessiontool.options import CaptionOptions, MergeOptions, result_settings


def load(tmp_path: Path, file: str = "", environ: dict[str, str] | None = None, **flags: object) -> Settings:
    """Settings with a `sessiontool.toml` in the current folder."""
    if file:
        (tmp_path / "sessiontool.toml").write_text(file)
    return load_settings(flags, environ=environ or {}, cwd=tmp_path)


def test_nothing_set_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings == Settings()
    assert {settings.source(name) for name in setting_names()} == {DEFAULT}


def test_flags_go_over_the_environment_over_the_file(tmp_path: Path) -> None:
    file = "store = 'file'\nregion = 'file'\nprofile = 'file'"
    environ = {"SESSIONTOOL_STORE": "env", "SESSIONTOOL_REGION": "env"}
    settings = load(tmp_path, file, environ, store="flag", output=None)
    assert (settings.store, settings.s3.region, settings.s3.profile, settings.output) == ("flag", "env", "file", None)
    assert [settings.source(name) for name in ("store", "region", "profile", "output")] == [
        "--store",
        "SESSIONTOOL_REGION",
        "sessiontool.toml",
        DEFAULT,
    ]


SAMPLES = {"caption_formats": ("txt", ("txt",)), "caption_timestamp_map": ("900000:1500", (900_000, 1500))}
"""A text for those options that a text is read for, and what it means."""


def sample(one: Option) -> tuple[str, str | bool | int]:
    """A value that an option does not have by default: as a variable and as the file has it."""
    if one.meta.kind is bool:
        return str(not one.meta.default), not one.meta.default
    if one.meta.kind is int:
        return "1000", 1000
    others = [choice for choice in one.meta.choices if choice != one.meta.default]
    text = others[0] if others else SAMPLES.get(one.name, ("some",))[0]
    return text, text


@pytest.mark.parametrize("name", setting_names())
def test_every_setting_can_be_set_everywhere_and_is_explained(tmp_path: Path, name: str) -> None:
    one = TABLE[name]
    text, written = sample(one)
    meant = SAMPLES[name][1] if name in SAMPLES else written
    assert value_of(Settings(), name) != meant
    (tmp_path / "sessiontool.toml").write_text(
        f"{name} = {str(written).lower() if one.meta.kind is bool else repr(written)}"
    )
    assert value_of(load_settings({}, environ={}, cwd=tmp_path), name) == meant
    (tmp_path / "sessiontool.toml").unlink()
    assert value_of(load_settings({}, environ={one.variable: text}, cwd=tmp_path), name) == meant
    assert value_of(load_settings({name: written}, environ={}, cwd=tmp_path), name) == meant
    assert one.meta.help.endswith((".", ")."))


@pytest.mark.parametrize("name", [name for name, one in TABLE.items() if one.meta.changes_result])
def test_what_changes_a_result_can_be_set_in_every_way(name: str) -> None:
    """In the file and the environment (above), on the command line of both, and in `merge()`."""
    one = TABLE[name]
    assert one.meta.is_setting
    for command in ("merge", "batch"):
        assert one.flag in {option for options in typed(command).values() for option in options}
    held_by = {MergeOptions: MergeOptions(), CaptionOptions: MergeOptions().captions}
    assert hasattr(held_by[one.group], one.field)


def test_what_changes_a_result_changes_its_fingerprint() -> None:
    """Each option of the table; the two that need a package are held by tests of their own."""
    before = result_settings(MergeOptions())
    changed = [name for name, one in TABLE.items() if one.meta.changes_result and one.group is MergeOptions]
    assert changed
    for name in changed:
        other = sample(TABLE[name])[1]
        assert result_settings(replace(MergeOptions(), **{name: other})) != before
    for name, one in TABLE.items():
        if one.group is CaptionOptions:
            value: object = SAMPLES[name][1] if name in SAMPLES else sample(one)[1]
            value = "netflix" if name == "caption_profile" else value
            options = replace(CaptionOptions(), **{one.field: value})
            assert options_json(options) != options_json(CaptionOptions())


def typed(command: str) -> dict[str, list[str]]:
    """The spellings of a command's options, by the name of its parameter."""
    return {param.name: [*param.opts, *param.secondary_opts] for param in built(command).params}


def built(command: str) -> Any:
    return typer.main.get_command(app).get_command(None, command)  # type: ignore[attr-defined]


def test_no_spelling_means_two_things() -> None:
    """The same spelling has the same first sentence, whatever the command."""
    meanings: dict[str, set[str]] = {}
    for command in COMMANDS:
        for param in built(command).params:
            if param.param_type_name == "option":
                for spelling in (*param.opts, *param.secondary_opts):
                    first = re.split(r"(?<=\.)\s", param.help or "")[0]
                    meanings.setdefault(spelling, set()).add(first)
    assert {spelling: found for spelling, found in meanings.items() if len(found) != 1} == {}


def test_an_option_is_called_as_its_key() -> None:
    for command in COMMANDS:
        for name, spellings in typed(command).items():
            if name in TABLE:
                assert spellings[0] == TABLE[name].flag == f"--{name.replace('_', '-')}"


def test_a_wrong_option_is_named_as_it_was_typed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--caption-text must be heard or generated, not 'x'"):
        load(tmp_path, caption_text="x")


@pytest.mark.parametrize(("text", "value"), [("1", True), ("TRUE", True), ("on", True), ("no", False), ("0", False)])
def test_ways_to_say_yes_and_no_in_a_variable(tmp_path: Path, text: str, value: bool) -> None:
    assert load(tmp_path, environ={"SESSIONTOOL_STRICT": text}).merge.strict is value


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    empty = dict.fromkeys(("SESSIONTOOL_STORE", "SESSIONTOOL_STRICT", "SESSIONTOOL_CONFIG"), "")
    settings = load(tmp_path, "store = 's'", empty)
    assert (settings.store, settings.merge.strict) == ("s", False)


def test_variables_that_are_somebody_elses(tmp_path: Path) -> None:
    linked = {
        "SESSIONTOOL_SERVICE_HOST": "10.0.0.1",
        "SESSIONTOOL_PORT": "tcp://10.0.0.1:80",
        "SESSIONTOOL_PORT_80_TCP": "x",
    }
    assert load(tmp_path, environ=linked) == Settings()


def test_a_path_may_be_handed_in_as_a_path(tmp_path: Path) -> None:
    assert load(tmp_path, output=Path("a/b")).output == "a/b"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("stoer = 'x'", ("stoer", "did you mean store?")),
        ("endpoint-url = 'x'", ("endpoint-url", "did you mean endpoint_url?")),
        ("zzz = 1", ("zzz", "the settings are store")),
        ("[merge]\nstore = 'x'", ("merge",)),
        ("strict = 'yes'", ("strict", "true or false", "'yes'")),
        ("strict = 1", ("strict", "true or false")),
        ("store = 1", ("store", "text")),
        ("max_chunk_bytes = '1'", ("max_chunk_bytes", "whole number", "'1'")),
        ("max_chunk_bytes = true", ("max_chunk_bytes", "whole number")),
        ("max_chunk_bytes = 0", ("max_chunk_bytes", "whole number from 1", "0")),
        ("max_chunk_bytes = 1.5", ("max_chunk_bytes", "whole number")),
        ("store = ['a']", ("store", "text")),
        ("pauses = 'shut'", ("pauses", "close or keep", "'shut'")),
        ("store = x", ("not TOML", "line 1")),
        ("\ufeff\x00", ("not TOML",)),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, file: str, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, file)
    for word in ("sessiontool.toml", *words):
        assert word in f"{caught.value.message}\n{caught.value.hint}"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SESSIONTOOL_STRICT": "maybe"}, ("SESSIONTOOL_STRICT", "true or false", "'maybe'")),
        ({"SESSIONTOOL_PAUSES": "shut"}, ("SESSIONTOOL_PAUSES", "close or keep")),
        ({"SESSIONTOOL_MAX_CHUNK_BYTES": "1 GB"}, ("SESSIONTOOL_MAX_CHUNK_BYTES", "whole number", "'1 GB'")),
        ({"SESSIONTOOL_MAX_CHUNK_BYTES": "-1"}, ("SESSIONTOOL_MAX_CHUNK_BYTES", "whole number")),
        ({"SESSIONTOOL_MAX_CHUNK_BYTES": "9" * 5000}, ("SESSIONTOOL_MAX_CHUNK_BYTES", "whole number")),
        ({"SESSIONTOOL_CONFIG": "nowhere.toml"}, ("nowhere.toml", "does not exist")),
        ({"SESSIONTOOL_CONFIG": "."}, ("cannot read",)),
        ({"SESSIONTOOL_STROE": "s3://b"}, ("there is no setting SESSIONTOOL_STROE",)),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(
    tmp_path: Path, environ: dict[str, str], words: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, environ=environ)
    for word in words:
        assert word in caught.value.message
    assert caught.value.hint


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "sessiontool.toml").write_bytes(b"store = '\xff'")
    with pytest.raises(UsageError, match="not TOML"):
        load(tmp_path)


def test_a_long_wrong_value_is_not_repeated_in_full(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, f"pauses = '{'x' * 5000}'")
    assert len(caught.value.message) < 200


def test_a_file_elsewhere_means_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/my.toml").write_text("store = 's3://bucket/x'\noutput = 'results'")
    settings = load(tmp_path, "store = 'not this one'", {"SESSIONTOOL_CONFIG": "etc/my.toml"})
    assert settings.store == "s3://bucket/x"
    assert settings.output == str(tmp_path / "etc/results")
    assert settings.source("output") == "etc/my.toml"


def test_the_process_has_its_own_environment_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sessiontool.toml").write_text("region = 'from-file'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SESSIONTOOL_PROFILE", "from-environment")
    settings = load_settings()
    assert (settings.s3.region, settings.s3.profile) == ("from-file", "from-environment")


def test_settings_come_without_the_heavy_libraries() -> None:
    heavy = "boto3", "pydantic", "numpy", "rich", "tomllib", "difflib"
    program = f"import sys, sessiontool.config; print([name for name in {heavy!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=os.environ)
    assert run.stdout == "[]\n"
