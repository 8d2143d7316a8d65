"""`sessiontool check`: what is wrong with how a session was recorded."""

from __future__ import annotations

from functools import partial

from ..compose import log_options_of
from .common import Common
from .parameters import Ids, on_store


@on_store(without=("output", "verbose"))
def check(ids: Ids, common: Common) -> None:
    """Say what is wrong with how sessions were recorded.

    Nothing is written.  Ten seconds with both voices are enough to see a silent channel, mono, swapped roles, clipping,
    too low a bit rate, no log, clocks apart.  Exit code 4 where a channel is silent; warnings do not count.
    """
    with common.errors_as_exits():
        from ..sessions.sound_check import check_sound  # noqa: PLC0415
        from ..views.sound_checks import CHECK  # noqa: PLC0415

        settings = common.settings()
        log = log_options_of(settings)
        common.run_all(ids, settings, partial(check_sound, log=log), CHECK)
