"""`sessiontool simulate`: sessions made up to try things on."""

from __future__ import annotations

from typing import Annotated

import typer

from ..console import console
from .common import errors_as_exits
from .parameters import DebugOption, QuietOption


def _list_faults(wanted: bool) -> None:
    if wanted:
        from ..simulate.simulate import FAULTS  # noqa: PLC0415
        from ..views.table import Row  # noqa: PLC0415

        width = max(len(fault.usage) for fault in FAULTS.values())
        console.print_lines([Row((fault.usage, fault.summary), (width,)) for fault in FAULTS.values()])
        raise typer.Exit


def simulate(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The session to make: STORE/ID.", show_default=False)],
    recorder: Annotated[str, typer.Option(metavar="chrome|firefox", help="Whose recording it is.")] = "chrome",
    seconds: Annotated[float, typer.Option(metavar="S", help="How long it is recorded.")] = 30.0,
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault", metavar="NAME:CHUNK", help="What goes wrong, and where; again for more.", show_default=False
        ),
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", callback=_list_faults, is_eager=True, help="Show the faults and exit.")
    ] = False,
    sound: Annotated[
        str | None, typer.Option("--sound", metavar="FILE", help="Record this audio file.  [default: made-up speech]")
    ] = None,
    tones: Annotated[bool, typer.Option("--tones", help="Record a tone for each utterance.")] = False,
    mono: Annotated[bool, typer.Option("--mono", help="Both voices on one channel.")] = False,
    parts: Annotated[int, typer.Option(metavar="N", help="How often the recorder is started.")] = 1,
    gap_ms: Annotated[int, typer.Option(metavar="MS", help="Time between two parts.")] = 800,
    pause: Annotated[
        list[str] | None, typer.Option(metavar="AT:S", help="Pause the recorder at second AT.", show_default=False)
    ] = None,
    starve: Annotated[
        list[str] | None, typer.Option(metavar="AT:S", help="Lose sound before it is recorded.", show_default=False)
    ] = None,
    busy: Annotated[
        list[str] | None, typer.Option(metavar="AT:S", help="Keep the page too busy to write.", show_default=False)
    ] = None,
    timeslice_ms: Annotated[int, typer.Option(metavar="MS", help="Length of a chunk.")] = 5000,
    frame_ms: Annotated[
        int | None, typer.Option(metavar="20|60", help="Length of a packet.  [default: the recorder's]")
    ] = None,
    bitrate: Annotated[int, typer.Option(metavar="BPS", help="Bits a second.")] = 64_000,
    clock_offset_ms: Annotated[float, typer.Option(metavar="MS", help="How late the log's times are.")] = 0.0,
    clock_drift_ppm: Annotated[float, typer.Option(metavar="PPM", help="How fast the log's clock runs away.")] = 0.0,
    clock_jitter_ms: Annotated[float, typer.Option(metavar="MS", help="How much the log's times scatter.")] = 0.0,
    events: Annotated[
        str | None,
        typer.Option(
            metavar="ga|beta|live",
            help="Write the Realtime event log as well, as that interface has it.",
            show_default=False,
        ),
    ] = None,
    barge_ins: Annotated[int, typer.Option(metavar="N", help="How many answers are cut off, in the event log.")] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="Leave session.json away.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same bytes.")] = 1,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a session as a browser records it, with chosen faults.

    The truth about it is written beside it, in truth.json.
    Try your own pipeline against it, or sessiontool's.  For example, with a chunk lost and another cut in half:

    sessiontool simulate ./store/test --fault missing:2 --fault truncated:4:0.5
    """
    del list_faults
    with errors_as_exits(debug=debug):
        from ..simulate.simulate import ClockError, make_plan, simulate_session  # noqa: PLC0415
        from ..views.simulated import simulated_lines  # noqa: PLC0415

        plan = make_plan(
            recorder=recorder, seconds=seconds, source=sound, tones=tones, channels=1 if mono else 2, parts=parts,
            gap_ms=gap_ms, pauses=pause or (), starved=starve or (), busy=busy or (), timeslice_ms=timeslice_ms,
            packet_ms=frame_ms, bit_rate=bitrate, seed=seed,
            clock_error=ClockError(clock_offset_ms, clock_drift_ppm, clock_jitter_ms), events=events,
            barge_ins=barge_ins,
        )  # fmt: skip
        session = simulate_session(folder, plan, faults or (), bare=bare)
        if not quiet:
            console.print_lines(simulated_lines(session, folder))
