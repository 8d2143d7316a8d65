"""Who spoke, by whatever name a log has for them: `user` or `assistant`.

A name means a role by itself ("customer", "AI agent"), as the display name of a role in session.json, or because the
settings say so.  Of two names of which one is known, the other is the other role's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .lenient import words_of
from .name_words import words_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

USER, ASSISTANT, UNSPOKEN = "user", "assistant", "unspoken"

_USERS = frozenset(
    words_of(
        "user human customer caller client trainee me you guest patient student learner candidate interviewee "
        "visitor enduser consumer member person local inbound incoming input useraudio microphone mic speakeruser "
        "external shopper buyer lead prospect applicant kunde kundin nutzer benutzer anrufer anruferin cliente usuario "
        "utilisateur"
    )
)
_ASSISTANTS = frozenset(
    words_of(
        "assistant ai bot agent model systemvoice aiagent voiceagent aiassistant voiceassistant voicebot chatbot "
        "robot gpt chatgpt openai gemini claude llm virtualassistant virtualagent machine output remote trainer "
        "tutor coach interviewer persona character avatar representative rep seller salesperson outbound agentaudio "
        "outgoing ivr assistent berater beraterin asistente agente conseiller"
    )
)
_UNSPOKEN_ROLES = frozenset(
    words_of(
        "system developer tool function toolcall toolcalls toolcallresult toolresult functioncall "
        "functioncalloutput functionresult toolcallinvocation context instructions event nodetransition dtmf"
    )
)
_SIDES = ("left", "right")
_SUPPORT = frozenset(words_of("service support helpdesk desk care success"))
_SAY_NOTHING = frozenset(words_of("message role speaker participant channel audio transcript track type the"))
_NO_LETTER = r"[\W_]+"
_NUMBER = r"\d+$"
_MOST_NAMES = 1000
"""Number of names of speakers that are looked at, as units of a list; chosen: no conversation has as many."""


def letters(name: str) -> str:
    """A name without case, spaces and punctuation."""
    return re.sub(_NO_LETTER, "", name.casefold())


def role_named(name: str, names: Mapping[str, str]) -> str:
    """The role of a name: `user`, `assistant`, `unspoken` (tools, system), or nothing where it tells none.

    `names` has what settings and session.json call the roles, by `letters`.
    """
    plain = letters(name)
    if plain in names:
        return names[plain]
    return _role_of_word(plain) or _role_in_words(words_in(name), names)


def _role_of_word(plain: str) -> str:
    for known, role in ((_USERS, USER), (_ASSISTANTS, ASSISTANT), (_UNSPOKEN_ROLES, UNSPOKEN)):
        if plain in known or re.sub(_NUMBER, "", plain) in known:
            return role
    return ""


def _role_in_words(words: Sequence[str], names: Mapping[str, str]) -> str:
    """The role that one word of a name tells: `MESSAGE_ROLE_USER`, `agent-AJ`, `Dana Miller`; of several the last.

    Who serves customers is no customer.
    """
    some = [word for word in words if word not in _SAY_NOTHING]
    known = [names.get(word) or _role_of_word(word) for word in some]
    roles = [role for role in known if role in {USER, ASSISTANT}]
    if not roles or len(some) > 4:
        return ""
    return ASSISTANT if _SUPPORT.intersection(some) else roles[-1]


USUAL_CHANNELS = (USER, ASSISTANT)
"""The roles on the channels of a recording, left first, where they were not recorded: the microphone is left."""

CHANNEL = "channel "
"""What the name of a channel by its number begins with, where a log tells no more of who speaks."""


def channel_number(value: Any) -> int | None:
    """The number that a channel is named by (`1`, `"ch_1"`, `[1, 2]`, `"right"`), None where it is none."""
    if isinstance(value, list) and value and len(value) <= 2:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    if isinstance(value, str) and letters(value[:20]) in _SIDES:
        return _SIDES.index(letters(value[:20]))
    digits = re.search(r"\d{1,2}$", str(value)[:20], re.ASCII)
    return int(digits[0]) if digits else None


def channel_name(number: int) -> str:
    return f"{CHANNEL}{number}"


def roles_of_channels(seen: Iterable[str], channels: Sequence[str]) -> dict[str, str]:
    """The roles of channels that a log numbers, by `letters`; nothing where they may count from 0 or from 1."""
    numbers = {int(name.removeprefix(CHANNEL)) for name in seen if name.startswith(CHANNEL)}
    if not numbers:
        return {}
    first = 0 if 0 in numbers else 1
    if max(numbers) - first >= len(channels) or (first and max(numbers) < len(channels)):
        return {}
    return {letters(channel_name(number)): channels[number - first] for number in numbers}


def names_of(speakers: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, str]:
    """The names that session.json's `speakers` and the settings know, by their letters; the settings count more."""
    names = {}
    for role, name in speakers.items():
        known = name.get("name") if isinstance(name, dict) else name
        if role in {USER, ASSISTANT} and isinstance(known, str) and letters(known):
            names[letters(known)] = role
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
