"""Sessions whose roles have a recorder each: `chunks/<role>/<part>/<seq>`, as a session for each role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..storage import Layout

if TYPE_CHECKING:
    from ..model import SessionListing, StoredObject

ROLES = ("user", "assistant")
"""From left to right."""
_LEVELS = 4
"""Levels of a chunk's key below its session, by definition of the layout: chunks, role, part, number."""


def roles_named(listing: SessionListing) -> list[str]:
    """The roles of which each has a folder of parts of its own; empty without several."""
    if listing.chunks:
        return []
    names = (obj.key.removeprefix(f"{listing.folder}/").split("/") for obj in listing.ignored)
    found = {name[1] for name in names if len(name) == _LEVELS and name[0] == "chunks" and name[1].isalpha()}
    return sorted(found) if len(found) > 1 else []


def role_pattern(listing: SessionListing, role: str) -> str:
    """The layout by which the chunks of one role are those of the session."""
    parent = listing.folder.removesuffix(listing.session_id)
    return f"{parent}{{session}}/chunks/{role}/{{part}}/{{seq}}.{{ext}}"


def role_listings(listing: SessionListing) -> dict[str, SessionListing]:
    """The session with the chunks of each role, the user's first; empty unless these are the two roles."""
    if set(roles_named(listing)) != set(ROLES):
        return {}
    objects = [*listing.documents.values(), *listing.ignored]
    found = {role: Layout(role_pattern(listing, role)).listing(listing.session_id, objects) for role in ROLES}
    whole = {role: one for role, one in found.items() if one is not None and one.chunks}
    return whole if len(whole) == len(ROLES) else {}


def role_chunks(listing: SessionListing) -> list[StoredObject]:
    """The chunks of all roles."""
    return [chunk.object for one in role_listings(listing).values() for chunk in one.chunks]
