"""How long a session may be kept, as session.json says it.  Read strictly: what is unclear deletes nothing."""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from ..errors import RecordingError
from .entries import twice
from .lenient import kind_of, loads, shown


class RetentionEntry(BaseModel):
    """How long a session may be kept.  Unknown fields are refused: one may say that nothing is to be deleted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    delete_chunks_after_days: FiniteFloat | None = Field(default=None, ge=0)
    delete_all_after_days: FiniteFloat | None = Field(default=None, ge=0)


def read_retention(data: bytes, name: str, session_id: str) -> RetentionEntry | None:
    """The retention that session.json asks for, None where it asks for none; nothing is guessed.

    RecordingError where it is unclear: the document is broken, of another session, or its retention is.
    """
    hint = "nothing is deleted by it; correct the document"
    try:
        doubled: list[str] = []
        value = loads(data.decode(json.detect_encoding(data)), doubled)
        if not isinstance(value, dict):
            raise ValueError(f"it holds {kind_of(value)}")
        if doubled:
            raise ValueError(twice(doubled[0]))
        if value.get("session_id") is not None and str(value["session_id"]) != session_id:
            raise ValueError("it is of another session")
        wanted = value.get("retention")
        return None if wanted is None else RetentionEntry.model_validate(wanted)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = shown(".".join(map(str, ("retention", *first["loc"]))))
        raise RecordingError(f"{name}, {where}: {first['msg']}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{name} does not say how long to keep the session: {error}", hint=hint) from error
