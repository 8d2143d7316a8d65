"""Options of the commands that merge, or publish what was merged: groups for `common.on_store`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from ..compose import merge_options_of

if TYPE_CHECKING:
    from ..config import Settings
    from ..sessions.merge import MergeOptions


@dataclass(frozen=True, slots=True)
class Merging:
    """What a command was told of how to merge; `flags` are those that are settings too."""

    flags: dict[str, Any]
    align: bool
    force: bool
    dry_run: bool

    @staticmethod
    def declared(
        pauses: Annotated[
            str | None,
            typer.Option(
                "--pauses", metavar="close|keep", help="Close pauses up, or keep their length.  [default: close]"
            ),
        ] = None,
        align: Annotated[
            bool, typer.Option("--align/--no-align", help="Find the utterances in the sound, or trust the log's times.")
        ] = True,
        vad: Annotated[
            bool | None,
            typer.Option(
                "--vad/--no-vad",
                help="Ask Silero's voice detector where noise is loud; needs sessiontool[vad].  [default: no-vad]",
                show_default=False,
            ),
        ] = None,
        words: Annotated[
            bool | None,
            typer.Option(
                "--words/--no-words",
                help="Find the time of each word too; needs sessiontool[words].  [default: no-words]",
                show_default=False,
            ),
        ] = None,
        prefer: Annotated[
            str | None,
            typer.Option(
                "--prefer",
                metavar="events|utterances",
                help="Whose word counts where both logs know.  [default: utterances]",
            ),
        ] = None,
        caption_text: Annotated[
            str | None,
            typer.Option(
                "--captions-text",
                metavar="heard|generated",
                help="What captions show of a turn that was cut off.  [default: heard]",
            ),
        ] = None,
        strict: Annotated[
            bool | None,
            typer.Option(
                "--strict/--no-strict", help="Publish nothing if there are findings (exit 4).", show_default=False
            ),
        ] = None,
        force: Annotated[bool, typer.Option("--force", "-f", help="Merge again even if nothing changed.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Do everything but publish.")] = False,
        require_consent: Annotated[
            bool | None,
            typer.Option(
                "--require-consent/--no-require-consent",
                help="Merge nothing without a recorded consent in session.json (exit 4).",
                show_default=False,
            ),
        ] = None,
    ) -> None:
        """The options."""

    @classmethod
    def told(cls, *, align: bool, force: bool, dry_run: bool, **flags: Any) -> Self:
        return cls(flags, align, force, dry_run)

    def options(self, settings: Settings) -> MergeOptions:
        return merge_options_of(settings, align=self.align, force=self.force, dry_run=self.dry_run)


@dataclass(frozen=True, slots=True)
class Publishing:
    """What a command was told of how S3 is to keep what it publishes."""

    flags: dict[str, Any]

    @staticmethod
    def declared(
        sse: Annotated[
            str | None, typer.Option("--sse", metavar="AES256|aws:kms", help="How S3 encrypts what is published.")
        ] = None,
        sse_kms_key_id: Annotated[
            str | None, typer.Option("--sse-kms-key-id", metavar="KEY", help="The KMS key that S3 encrypts it with.")
        ] = None,
        tags: Annotated[
            str | None, typer.Option("--tags", metavar="NAME=VALUE,...", help="The tags of what is published on S3.")
        ] = None,
    ) -> None:
        """The options."""

    @classmethod
    def told(cls, **flags: Any) -> Self:
        return cls(flags)
