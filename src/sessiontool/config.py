"""Settings: options over `SESSIONTOOL_*` in the environment over `sessiontool.toml` over defaults.

`TABLE` has every option of `sessiontool.options` and of `Settings` by its key: in the file it is the key, in capitals
behind `SESSIONTOOL_` the variable, with hyphens behind `--` the option of the commands.

The file is the one that `SESSIONTOOL_CONFIG` names, or `sessiontool.toml` in the current folder.  An empty variable
counts as not set.  The AWS variables are not read here: boto3 knows them.
"""

# The options' annotations are values and no texts, as they are read: no `from __future__ import annotations`.

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args

from msgspec import Struct, field

from .errors import UsageError
from .option_declaration import Meta, option, options_of
from .options import (
    MESSAGES,
    RUNS,
    STORE,
    CaptionOptions,
    FailOn,
    Limits,
    LogFormat,
    MergeOptions,
    S3Options,
)
from .storage import DEFAULT_PATTERN

FILE_NAME = "sessiontool.toml"
FILE_VARIABLE = "SESSIONTOOL_CONFIG"
DEFAULT = "default"
"""The source of a value that was not set."""

_PREFIX = "SESSIONTOOL_"
_PROFILES, _LOG = "profiles", "log"
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class Settings(Struct, frozen=True):
    """What holds for a run.  `sources` says of each setting where its value came from.

    The captions' profile is a name that may be among `profiles`, those of one's own: the tables `[profiles.NAME]` of
    the file, as they stand there; so does `log`, the table `[log]`: what a log of other programs means.
    """

    store: Annotated[
        str,
        option("Where sessions are: a folder or s3://bucket/prefix.", STORE, metavar="STORE", short="-s", is_path=True),
    ] = "."
    output: Annotated[
        str | None,
        option(
            "Where results are, in a folder for each session: a folder or s3://bucket/prefix.",
            STORE,
            metavar="DIR",
            short="-o",
            is_path=True,
            shown_default="ID/merged in the store",
        ),
    ] = None
    layout: Annotated[
        str, option("How chunks are named in the store; auto takes the one layout that fits.", STORE, metavar="PATTERN")
    ] = DEFAULT_PATTERN
    corrections: Annotated[
        str | None,
        option(
            "A file of corrections for all sessions, where the store cannot be written; read after the store's.",
            STORE,
            metavar="FILE",
            is_path=True,
        ),
    ] = None
    s3: S3Options = field(default_factory=S3Options)
    limits: Limits = field(default_factory=Limits)
    merge: MergeOptions = field(default_factory=MergeOptions)
    shard: Annotated[
        str | None,
        option(
            "The share of the sessions that a batch does: I (from 0) of N, or /N.",
            RUNS,
            metavar="I/N",
            shown_default="what the engine says",
        ),
    ] = None
    fail_on: Annotated[
        FailOn,
        option(
            "What gives a session exit code 4: that it failed, lost sound (partial), or has any warning; "
            "all is published.",
            RUNS,
            choices=get_args(FailOn),
        ),
    ] = "failed"
    notify: Annotated[
        str | None,
        option("A shell command that gets each run as JSON on its stdin, when it has ended.", RUNS, metavar="CMD"),
    ] = None
    notify_arn: Annotated[
        str | None,
        option(
            "In Lambda: the topic of SNS or bus of EventBridge that gets a message about each session.",
            RUNS,
            has_flag=False,
        ),
    ] = None
    end_markers: Annotated[
        str, option("In Lambda: the documents whose arrival says that a session has ended.", RUNS, has_flag=False)
    ] = "session.json"
    log_format: Annotated[
        LogFormat,
        option("What stderr gets: text for people, or a JSON object a line.", MESSAGES, choices=get_args(LogFormat)),
    ] = "text"
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    log: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def source(self, name: str) -> str:
        """Where a setting's value came from: an option, a variable, a file's path, or `DEFAULT`."""
        return self.sources.get(name, DEFAULT)


class Option(Struct, frozen=True):
    """An option of the table, and the field of which value it is: `group` is a class of options, or `Settings`."""

    name: str
    group: type[Struct]
    field: str
    meta: Meta

    @property
    def variable(self) -> str:
        """Its variable in the environment."""
        return _PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return f"--{self.name.replace('_', '-')}"


_GROUPS: Mapping[type[Struct], str] = {
    Settings: "",
    S3Options: "",
    Limits: "max_",
    MergeOptions: "",
    CaptionOptions: "caption_",
}
"""Where options are declared, and what stands before a field's name in its key."""

TABLE: Mapping[str, Option] = MappingProxyType(
    {
        prefix + name: Option(prefix + name, group, name, meta)
        for group, prefix in _GROUPS.items()
        for name, meta in options_of(group).items()
    }
)

_Layer = Iterator[tuple[str, object, str]]


def setting_names() -> tuple[str, ...]:
    """The options that can be set in the file and in the environment."""
    return tuple(name for name, one in TABLE.items() if one.meta.is_setting)


def value_of(settings: Settings, name: str) -> Any:
    """What an option of the table is set to."""
    merge = settings.merge
    holders: list[Struct] = [settings.s3, settings.limits, merge, merge.captions, settings]
    return getattr(next(one for one in holders if isinstance(one, TABLE[name].group)), TABLE[name].field)


def process_environment() -> Mapping[str, str]:
    """The variables by which engines tell their runs apart are read from this; settings are not."""
    return MappingProxyType(dict(os.environ))


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """The settings of this run (UsageError naming the source and the key of what is wrong).

    A flag that is None was not given.  `environ` and `cwd` are the process's own unless given.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    groups: dict[type, dict[str, Any]] = {group: {} for group in _GROUPS}
    sources: dict[str, str] = {}
    for layer in (_file_layer(environ, cwd), _environment_layer(environ), _flag_layer(flags or {})):
        for name, value, source in layer:
            group, key = (TABLE[name].group, TABLE[name].field) if name in TABLE else (Settings, name)
            groups[group][key] = value
            sources[name] = source
    return Settings(
        s3=S3Options(**groups[S3Options]),
        limits=Limits(**groups[Limits]),
        merge=MergeOptions(captions=CaptionOptions(**groups[CaptionOptions]), **groups[MergeOptions]),
        sources=MappingProxyType(sources),
        **groups[Settings],
    )


def _flag_layer(flags: Mapping[str, object]) -> _Layer:
    for name, value in flags.items():
        if value is not None:
            source = TABLE[name].flag
            plain = os.fspath(value) if isinstance(value, os.PathLike) else value
            yield name, TABLE[name].meta.check(plain, source), source


def _environment_layer(environ: Mapping[str, str]) -> _Layer:
    settings = [TABLE[name] for name in setting_names()]
    known = {FILE_VARIABLE, *(one.variable for one in settings)}
    for source in (one for one in environ if one.startswith(_PREFIX) and one not in known):
        # Others may be foreign: Kubernetes makes SESSIONTOOL_PORT for a service of that name.
        if meant := _meant(source.removeprefix(_PREFIX).lower()):
            raise UsageError(f"there is no setting {source}", hint=f"did you mean {TABLE[meant].variable}?")
    for one in settings:
        text = environ.get(one.variable, "")
        if text:
            yield one.name, one.meta.check(_read_text(text, one.meta.kind), one.variable), one.variable


def _read_text(text: str, kind: type) -> object:
    """The value that a variable's text means; the text itself where it means none of its kind."""
    if kind is bool:
        return _BOOLEANS.get(text.lower(), text)
    return int(text) if kind is int and re.fullmatch("[0-9]{1,18}", text) else text


def _file_layer(environ: Mapping[str, str], cwd: Path) -> _Layer:
    named = environ.get(FILE_VARIABLE, "")
    path = cwd / (Path(named).expanduser() if named else FILE_NAME)
    source = named or FILE_NAME
    for name, value in _read_file(path, source, required=bool(named)).items():
        if name == _PROFILES:
            yield name, _tables(value, f"{source}: {name}"), source
            continue
        if name == _LOG:
            yield name, _table(value, f"{source}: {name}"), source
            continue
        if name not in setting_names():
            meant = _meant(name)
            hint = f"did you mean {meant}?" if meant else f"the settings are {', '.join(setting_names())}"
            raise UsageError(f"{source}: there is no setting {name!r}", hint=hint)
        checked = TABLE[name].meta.check(value, f"{source}: {name}")
        # A path in a file is meant as seen from the file's folder.
        from_elsewhere = TABLE[name].meta.is_path and path.parent != cwd and "://" not in str(checked)
        yield name, str(path.parent / Path(str(checked)).expanduser()) if from_elsewhere else checked, source


def _read_file(path: Path, source: str, *, required: bool) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        if not required:
            return {}
        raise UsageError(
            f"{source} does not exist", hint=f"{FILE_VARIABLE} names the file with the settings"
        ) from error
    except UnicodeDecodeError as error:
        raise _not_toml(source, error) from error
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}", hint=f"check {FILE_VARIABLE}") from error
    import tomllib  # noqa: PLC0415 - most runs have no file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(source, error) from error


def _not_toml(source: str, error: ValueError) -> UsageError:
    return UsageError(f"{source} is not TOML: {error}", hint="a line of it reads: store = 's3://bucket'")


def _tables(value: object, where: str) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(one, dict) for one in value.values()):
        raise UsageError(f"{where} must hold tables", hint=f"a line of it reads: [{_PROFILES}.NAME]")
    return MappingProxyType(value)


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a table", hint=f"it begins with a line [{_LOG}]")
    return MappingProxyType(value)


def _meant(name: str) -> str:
    """The setting that a wrong name is nearly that of; empty where there is none."""
    import difflib  # noqa: PLC0415 - for an error message alone

    return "".join(difflib.get_close_matches(name.replace("-", "_"), setting_names(), n=1, cutoff=0.7))
