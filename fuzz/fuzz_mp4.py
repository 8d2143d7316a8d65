"""Fuzzes the MP4 reader."""

from harness import run

if __name__ == "__main__":
    run("mp4", max_len=4096)
