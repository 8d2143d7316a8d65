"""`python -m sessiontool`."""

from .cli import main

main()
