"""Fuzzes captions of hostile transcripts, in every format."""

from harness import run

if __name__ == "__main__":
    run("captions", max_len=2048)
