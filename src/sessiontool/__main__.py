"""The program: what the `sessiontool` script calls, and `python -m sessiontool`."""

import gc
import signal


def main() -> None:
    """Run the command line; Ctrl-C just ends it as long as it loads, when there is nothing to be ended well."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(50_000)  # many values and hardly a cycle: looking for some took a twentieth of a merge
    from .cli import main as run  # noqa: PLC0415 - which takes a moment

    run()


if __name__ == "__main__":
    main()
