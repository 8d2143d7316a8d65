"""How long a command takes before it begins: `sessiontool --help` beside an interpreter that does nothing.

usage: python benchmarks/startup.py [ROUNDS]

All are run in turn, so that whatever else the machine does meets all of them; the figures are medians.
"""

from __future__ import annotations

import sys

from processes import medians, run, table, versions

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "sessiontool --version": ["-m", "sessiontool", "--version"],
    "sessiontool --help": ["-m", "sessiontool", "--help"],
    "sessiontool merge --help": ["-m", "sessiontool", "merge", "--help"],
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    commands = {
        name: ["sh", "-c", 'exec "$@" >/dev/null', "", sys.executable, *more] for name, more in COMMANDS.items()
    }
    measured = [{name: run(command) for name, command in commands.items()} for _ in range(rounds + 1)]
    print(versions())
    first, *others = COMMANDS
    table(medians(measured[1:]), dict.fromkeys(others, first))  # the first round compiles what is not compiled yet


if __name__ == "__main__":
    main()
