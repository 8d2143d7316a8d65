"""The program: what the `sessiontool` script calls, and `python -m sessiontool`."""

import gc
import signal

_GC_THRESHOLD = 100_000
"""Objects (chosen): many values and hardly a cycle.  numpy, PyAV and what they bring are 60,000, and to look through
them was a thirtieth of a merge of 30 seconds."""


def main() -> None:
    """Run the command line; Ctrl-C just ends it as long as it loads, when there is nothing to be ended well."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(_GC_THRESHOLD)
    from .cli import main as run  # noqa: PLC0415 - which takes a moment

    run()


if __name__ == "__main__":
    main()
