"""What a caption may look like: the rules that publishers set, as data.

What each rule means is said by `Profile`.  Sources: Netflix, Timed Text Style Guide (English) and General
Requirements; BBC, Subtitle Guidelines 1.2.3; DCMP, Captioning Key.  Where a publisher leaves a rule open, `default`'s
stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from msgspec.structs import replace

from ..errors import UsageError
from ..options import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("default"),
        # Speed for adults; at 24 frames a second 20 frames are 833 ms and 2 frames 83.
        Profile("netflix", fail_cps=20.0, warn_cps=17.0, gap_ms=83),
        # 160 to 180 words a minute; 0.3 s a word; cues touch or leave a second; the out-time may lag by up to 1.5 s.
        Profile(
            "bbc",
            line_cells=37,
            warn_cps=None,
            fail_cps=None,
            warn_wpm=180.0,
            fail_wpm=None,
            min_word_ms=300,
            gap_ms=1000,
            linger_ms=1500,
        ),
        # The upper level: 160 words a minute with ease, 235 at most; at least two seconds.
        Profile(
            "dcmp",
            line_cells=32,
            warn_cps=None,
            fail_cps=None,
            warn_wpm=160.0,
            fail_wpm=235.0,
            min_ms=2000,
            linger_ms=1500,
        ),
        # For reading along: what one speaker says at a stretch is one cue.
        Profile(
            "podcast",
            line_cells=None,
            lines=None,
            warn_cps=None,
            fail_cps=None,
            min_ms=1,
            max_ms=None,
            gap_ms=0,
            linger_ms=0,
            join_ms=None,
        ),
    )
}
DEFAULT_PROFILE = "default"

_KINDS = {name: kind for name, kind in Profile.__annotations__.items() if name != "name"}
_LEAST = {
    "line_cells": 12,
    "line_cells_ja": 12,
    "line_cells_zh": 12,
    "line_cells_ko": 12,
    "lines": 1,
    "min_ms": 1,
    "max_ms": 1,
}  # in the unit of each name; chosen
_MOST = 86_400_000  # ms in a day; chosen for all numbers


def find_profile(name: str, own: Mapping[str, Mapping[str, Any]] | None = None) -> Profile:
    """A profile by name, one's own before the built-in ones (UsageError).

    `own` maps a name to rules; `base` names the profile that they change, `default` unless given; 0 means a rule
    that is not set.
    """
    own = own or {}
    return _own(name, own, ()) if name in own else _built_in(name, own)


def rules_for(profile: Profile, language: str) -> Profile:
    """The rules of a profile for a language (a tag, or empty): its lines may be shorter."""
    own = {"ja": profile.line_cells_ja, "zh": profile.line_cells_zh, "ko": profile.line_cells_ko}
    most = own.get(language[:2].lower())
    if most is None or profile.line_cells is None or most >= profile.line_cells:
        return profile
    return replace(profile, line_cells=most)


def read_profile(values: object) -> Profile:
    """A profile as it was written down, with all its rules (ValueError, UsageError)."""
    if not isinstance(values, dict) or set(values) != {"name", *_KINDS} or not isinstance(values["name"], str):
        raise ValueError("no caption profile")
    rules = {rule: 0 if values[rule] is None else values[rule] for rule in _KINDS}
    return find_profile(values["name"], {values["name"]: rules})


def _built_in(name: str, own: Mapping[str, Any]) -> Profile:
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join([*PROFILES, *own])
        raise UsageError(f"there is no caption profile {name[:40]!r}", hint=f"the profiles are {known}") from None


def _own(name: str, own: Mapping[str, Mapping[str, Any]], above: tuple[str, ...]) -> Profile:
    rules = dict(own[name])
    base = rules.pop("base", DEFAULT_PROFILE)
    if not isinstance(base, str) or base in above:
        raise UsageError(f"profiles.{name}: base must name another profile", hint=f"one of {', '.join(PROFILES)}")
    nested = base in own and base != name
    start = _own(base, own, (*above, name)) if nested else _built_in(base, own)
    values = {rule: _checked(f"profiles.{name}.{rule}", rule, value) for rule, value in rules.items()}
    profile = replace(start, name=name, **values)
    if profile.max_ms is not None and profile.max_ms < profile.min_ms:
        raise UsageError(f"profiles.{name}: max_ms is below min_ms", hint="a cue cannot be both")
    return profile


def _checked(where: str, rule: str, value: object) -> Any:
    kind = _KINDS.get(rule)
    if kind is None:
        raise UsageError(f"{where}: there is no such rule", hint=f"the rules are base, {', '.join(_KINDS)}")
    kinds = get_args(kind) or (kind,)
    may_be_none, whole = type(None) in kinds, int in kinds
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise UsageError(
            f"{where} must be a {'whole ' * whole}number, not {value!r:.80}", hint="0 for no limit" * may_be_none
        )
    if may_be_none and value == 0:
        return None
    if not _LEAST.get(rule, 0) <= value <= _MOST:
        raise UsageError(f"{where}: {value!r:.80} is out of range", hint=f"from {_LEAST.get(rule, 0)} on")
    return value if whole else float(value)
