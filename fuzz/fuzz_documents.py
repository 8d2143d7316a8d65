"""Fuzzes session.json and utterances of any bytes."""

from harness import run

if __name__ == "__main__":
    run("documents", max_len=4096)
