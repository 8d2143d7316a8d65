"""Who spoke, by whatever name a log has for them: `user` or `assistant`.

A name means a role by itself ("customer", "AI agent"), as the display name of a role in session.json, or because the
settings say so.  Of two names of which one is known, the other is the other role's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .lenient import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

USER, ASSISTANT, NOBODY = "user", "assistant", "nobody"

_USERS = frozenset(
    words_of(
        "user human customer caller client trainee me you guest patient student learner candidate interviewee "
        "visitor enduser consumer member person local callee inbound input useraudio microphone mic speakeruser "
        "shopper lead prospect applicant"
    )
)
_ASSISTANTS = frozenset(
    words_of(
        "assistant ai bot agent model systemvoice aiagent voiceagent aiassistant voiceassistant voicebot chatbot "
        "robot gpt chatgpt openai gemini claude llm virtualassistant virtualagent machine output remote trainer "
        "tutor coach interviewer persona character avatar representative rep outbound agentaudio ivr"
    )
)
_NOBODIES = frozenset(
    words_of(
        "system developer tool function toolcall toolcalls toolcallresult toolresult functioncall "
        "functioncalloutput functionresult toolcallinvocation context instructions event nodetransition dtmf"
    )
)
_NO_LETTER = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+$")
_MOST_NAMES = 1000


def letters(name: str) -> str:
    """A name without case, spaces and punctuation."""
    return _NO_LETTER.sub("", name.casefold())


def role_named(name: str, names: Mapping[str, str]) -> str:
    """The role of a name: `user`, `assistant`, `nobody` (what is not spoken), or nothing where it tells none.

    `names` has what settings and session.json call the roles, by `letters`.
    """
    plain = letters(name)
    if plain in names:
        return names[plain]
    for known, role in ((_USERS, USER), (_ASSISTANTS, ASSISTANT), (_NOBODIES, NOBODY)):
        if plain in known or _NUMBER.sub("", plain) in known:
            return role
    return ""


def names_of(speakers: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, str]:
    """The names that session.json's `speakers` and the settings know, by their letters; the settings count more."""
    names = {}
    for role, name in speakers.items():
        told = name.get("name") if isinstance(name, dict) else name
        if role in {USER, ASSISTANT} and isinstance(told, str) and letters(told):
            names[letters(told)] = role
    return {**names, **{letters(name): role for name, role in settings.items()}}


def roles_of(seen: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
    """The role of each name in a log; the name itself where nothing tells it."""
    roles = {name: role_named(name, names) for name in dict.fromkeys(seen[:_MOST_NAMES])}
    known = {role for role in roles.values() if role in {USER, ASSISTANT}}
    unknown = [name for name, role in roles.items() if not role]
    if len(known) == 1 and len({letters(name) for name in unknown}) == 1 and _is_often(unknown, seen):
        other = ASSISTANT if USER in known else USER
        roles.update(dict.fromkeys(unknown, other))
    return {name: role or name for name, role in roles.items()}


def _is_often(names: Iterable[str], seen: Sequence[str]) -> bool:
    """Whether a name has its share of a conversation."""
    wanted = set(names)
    count = sum(name in wanted for name in seen)
    return count >= 2 and count * 5 >= len(seen)
