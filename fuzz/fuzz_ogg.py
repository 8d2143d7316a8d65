"""Fuzzes the Ogg reader."""

from harness import run

if __name__ == "__main__":
    run("ogg", max_len=4096)
