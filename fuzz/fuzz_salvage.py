"""Fuzzes the joining of hurt recordings, and the check of what it makes."""

from harness import run

if __name__ == "__main__":
    run("salvage", max_len=2048)
