"""Fuzzes the WebM reader, with streams cut and lost at any place."""

from harness import run

if __name__ == "__main__":
    run("webm", max_len=4096)
