"""Sessions whose chunks are not where the layout has them: a recorder for each role, or whole recordings alone.

`chunks/<role>/<part>/<seq>` and `recording/<role>/<part>` are a session for each role; `recording/<part>` are parts of
one file each.  The latter two are what an import keeps, or a server put there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..storage import Layout

if TYPE_CHECKING:
    from ..model import SessionListing, StoredObject

RECORDING = "recording"
"""The folder of a session for whole recordings, by part, or by role and part."""
ROLES = ("user", "assistant")
"""From left to right."""
_BELOW = {"chunks": "/{part}/{seq}.{ext}", RECORDING: "/{part}.{ext}"}
"""Folders of roles, and what is below that of a role, by definition of the layout."""


def roles_named(listing: SessionListing) -> list[str]:
    """The roles of which each has a folder of parts of its own; empty without several."""
    return _roles_in(listing)[1]


def _roles_in(listing: SessionListing) -> tuple[str, list[str]]:
    """The folder that has a folder for each of several roles, and the roles; chunks come first."""
    if listing.chunks:
        return "", []
    names = [obj.key.removeprefix(f"{listing.folder}/").split("/") for obj in listing.ignored]
    for home, below in _BELOW.items():
        levels = 2 + below.count("/")
        found = {name[1] for name in names if len(name) == levels and name[0] == home and name[1].isalpha()}
        if len(found) > 1:
            return home, sorted(found)
    return "", []


def role_pattern(listing: SessionListing, role: str) -> str:
    """The layout by which the chunks of one role are those of the session."""
    home, _ = _roles_in(listing)
    return f"{_parent(listing)}{{session}}/{home}/{role}{_BELOW[home]}"


def _parent(listing: SessionListing) -> str:
    return listing.folder.removesuffix(listing.session_id)


def role_listings(listing: SessionListing) -> dict[str, SessionListing]:
    """The session with the chunks of each role, the user's first; empty unless these are the two roles."""
    if set(roles_named(listing)) != set(ROLES):
        return {}
    objects = [*listing.documents.values(), *listing.ignored]
    found = {role: Layout(role_pattern(listing, role)).listing(listing.session_id, objects) for role in ROLES}
    whole = {role: one for role, one in found.items() if one is not None and one.chunks}
    return whole if len(whole) == len(ROLES) else {}


def whole_recording(listing: SessionListing) -> SessionListing | None:
    """The session with the files in `recording/` as its chunks, a part each; None where it has chunks, or none there.

    What a role has there alone is no whole recording.
    """
    if listing.chunks or not any(obj.key.startswith(f"{listing.folder}/{RECORDING}/") for obj in listing.ignored):
        return None
    pattern = f"{_parent(listing)}{{session}}/{RECORDING}{_BELOW[RECORDING]}"
    found = Layout(pattern).listing(listing.session_id, [*listing.documents.values(), *listing.ignored])
    return found if found and found.chunks and not role_listings(listing) else None


def chunks_elsewhere(listing: SessionListing) -> list[StoredObject]:
    """The chunks of a session that the layout does not have: those of all roles, or of a whole recording."""
    whole = whole_recording(listing)
    found = [whole] if whole else role_listings(listing).values()
    return [chunk.object for one in found for chunk in one.chunks]
