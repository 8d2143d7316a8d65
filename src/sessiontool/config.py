"""Settings: flags over `SESSIONTOOL_*` in the environment over `sessiontool.toml` over defaults.

`Settings` is the table of what can be set: a field's name is the key of the file and, in capitals behind
`SESSIONTOOL_`, the name of the variable; its default says its type.  A setting is added by adding a field.

The file is the one that `SESSIONTOOL_CONFIG` names, or `sessiontool.toml` in the current folder.  An empty variable
counts as not set.  The AWS variables are not read here: boto3 knows them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from .errors import UsageError
from .storage import DEFAULT_PATTERN, Limits

FILE_NAME = "sessiontool.toml"
FILE_VARIABLE = "SESSIONTOOL_CONFIG"
DEFAULT = "default"
"""The source of a value that nobody set."""

_PREFIX = "SESSIONTOOL_"
_PROFILES, _LOG = "profiles", "log"
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

Pauses = Literal["close", "keep"]
CaptionText = Literal["heard", "generated"]
LogFormat = Literal["text", "json"]
Prefer = Literal["events", "utterances"]

_KINDS: dict[type, str] = {bool: "true or false", str: "a text", int: "a whole number from 1"}

T = TypeVar("T")


class _Meta(NamedTuple):
    """What is known of a setting beside its name and default."""

    kind: type
    help: str
    choices: tuple[str, ...] = ()
    is_path: bool = False
    flag: str = ""


def _setting(
    default: T,
    help: str,  # noqa: A002
    *,
    choices: tuple[str, ...] = (),
    is_path: bool = False,
    flag: str = "",
) -> T:
    """A field; `flag` is its option on the command line, where that is not its name with hyphens."""
    kind = str if default is None else type(default)
    return field(default=default, metadata={"meta": _Meta(kind, help, choices, is_path, flag)})


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for a run.  `sources` says of each setting where its value came from."""

    store: str = _setting(".", "Where sessions live: a folder or s3://bucket/prefix.", is_path=True)
    output: str | None = _setting(None, "Where results go, not into the store: as a store.", is_path=True)
    layout: str = _setting(DEFAULT_PATTERN, "How chunks are named in the store.")
    profile: str | None = _setting(None, "The AWS profile to use.", flag="--aws-profile")
    region: str | None = _setting(None, "The AWS region to use.")
    endpoint_url: str | None = _setting(None, "The URL of an S3 server that is not AWS.")
    sse: str | None = _setting(None, "How S3 encrypts what is published: AES256, or aws:kms.")
    sse_kms_key_id: str | None = _setting(None, "The KMS key that S3 encrypts it with.")
    tags: str | None = _setting(None, "The tags of what is published on S3: name=value,name=value.")
    pauses: Pauses = _setting(  # noqa: RUF009 - it is a field
        "close", "What becomes of pauses: close them up or keep their length.", choices=get_args(Pauses)
    )
    vad: bool = _setting(False, "Ask Silero's voice detector where noise is loud.")
    words: bool = _setting(False, "Find the time of each word too.")
    prefer: Prefer = _setting(  # noqa: RUF009
        "utterances", "Whose word counts where utterances and events both know.", choices=get_args(Prefer)
    )
    strict: bool = _setting(False, "Publish nothing when there are findings.")
    require_consent: bool = _setting(False, "Merge no session without a recorded consent in its session.json.")
    caption_profile: str = _setting(
        "default", "The rules of captions: default, netflix, bbc, dcmp, podcast or one's own."
    )
    caption_formats: str = _setting(
        "vtt,srt", "The caption files: some of vtt, srt, ttml, ass, txt, json, csv.", flag="--format"
    )
    caption_speakers: bool = _setting(True, "Show in captions who speaks.", flag="--speakers")
    caption_text: CaptionText = _setting(  # noqa: RUF009
        "heard",
        "What captions show of a turn that was cut off.",
        choices=get_args(CaptionText),
        flag="--captions-text",
    )
    mark_gaps: bool = _setting(False, "Captions note where sound is lost or has no text.")
    end_markers: str = _setting("session.json", "In Lambda: the documents whose arrival says that a session has ended.")
    shard: str | None = _setting(None, "The share of the sessions that a batch does: I/N, or /N.")
    log_format: LogFormat = _setting(  # noqa: RUF009
        "text", "What stderr gets: text for people, or a JSON object a line.", choices=get_args(LogFormat)
    )
    max_chunk_bytes: int = _setting(Limits().chunk_bytes, "The largest chunk that is read.")
    max_document_bytes: int = _setting(Limits().document_bytes, "The largest document of a session that is read.")
    max_report_bytes: int = _setting(Limits().report_bytes, "The largest document of a result that is read.")
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    """Caption profiles of one's own: the tables `[profiles.NAME]` of the file, as they stand there."""
    log: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What a log of other programs means: the table `[log]` of the file, as it stands there."""
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)

    def source(self, name: str) -> str:
        """Where a setting's value came from: an option, a variable, a file's path, or `DEFAULT`."""
        return self.sources.get(name, DEFAULT)


_SETTINGS: dict[str, _Meta] = {one.name: one.metadata["meta"] for one in fields(Settings) if "meta" in one.metadata}

_Layer = Iterator[tuple[str, object, str]]


def setting_help(name: str) -> str:
    """What a setting does, for the help of its flag and the documentation."""
    return _SETTINGS[name].help


def setting_names() -> tuple[str, ...]:
    return tuple(_SETTINGS)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return _PREFIX + name.upper()


def flag(name: str) -> str:
    """The option of a setting, for the commands that have one."""
    return _SETTINGS[name].flag or f"--{name.replace('_', '-')}"


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
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for layer in (_file_layer(environ, cwd), _environment_layer(environ), _flag_layer(flags or {})):
        for name, value, source in layer:
            values[name] = value
            sources[name] = source
    return Settings(**values, sources=MappingProxyType(sources))


def _flag_layer(flags: Mapping[str, object]) -> _Layer:
    for name, value in flags.items():
        if value is not None:
            source = flag(name)
            yield name, _checked(name, os.fspath(value) if isinstance(value, os.PathLike) else value, source), source


def _environment_layer(environ: Mapping[str, str]) -> _Layer:
    known = {FILE_VARIABLE, *map(variable, _SETTINGS)}
    for source in (one for one in environ if one.startswith(_PREFIX) and one not in known):
        # Others may be somebody else's: Kubernetes makes SESSIONTOOL_PORT for a service of that name.
        if meant := _meant(source.removeprefix(_PREFIX).lower()):
            raise UsageError(f"there is no setting {source}", hint=f"did you mean {variable(meant)}?")
    for name, meta in _SETTINGS.items():
        source = variable(name)
        text = environ.get(source, "")
        if text:
            yield name, _checked(name, _read_text(text, meta.kind), source), source


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
        if name not in _SETTINGS:
            meant = _meant(name)
            hint = f"did you mean {meant}?" if meant else f"the settings are {', '.join(_SETTINGS)}"
            raise UsageError(f"{source}: there is no setting {name!r}", hint=hint)
        checked = _checked(name, value, f"{source}: {name}")
        # Somebody who writes a path into a file means it as seen from there.
        from_elsewhere = _SETTINGS[name].is_path and path.parent != cwd and "://" not in str(checked)
        yield name, str(path.parent / Path(str(checked)).expanduser()) if from_elsewhere else checked, source


def _read_file(path: Path, source: str, *, required: bool) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs have no file, and it takes a tenth of the start-up

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        if not required:
            return {}
        raise UsageError(
            f"{source} does not exist", hint=f"{FILE_VARIABLE} names the file with the settings"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} is not TOML: {error}", hint="a line of it reads: store = 's3://bucket'") from error
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}", hint=f"check {FILE_VARIABLE}") from error


def _checked(name: str, value: object, where: str) -> object:
    """`value` if it is of the setting's type and among its choices."""
    meta = _SETTINGS[name]
    is_right = type(value) is meta.kind and (not meta.choices or value in meta.choices)
    if not is_right or (type(value) is int and value < 1):
        expected = " or ".join(meta.choices) or _KINDS[meta.kind]
        raise UsageError(f"{where} must be {expected}, not {_shown(value)}", hint=meta.help)
    return value


def _tables(value: object, where: str) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(one, dict) for one in value.values()):
        raise UsageError(f"{where} must hold tables", hint=f"a line of it reads: [{_PROFILES}.NAME]")
    return MappingProxyType(value)


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a table", hint=f"it begins with a line [{_LOG}]")
    return MappingProxyType(value)


def _shown(value: object) -> str:
    return repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:80]}…"


def _meant(name: str) -> str:
    """The setting that a wrong name is nearly that of; empty where there is none."""
    import difflib  # noqa: PLC0415 - for an error message alone

    return "".join(difflib.get_close_matches(name.replace("-", "_"), _SETTINGS, n=1, cutoff=0.7))
