"""Fuzzes the MP3 reader."""

from harness import run

if __name__ == "__main__":
    run("mp3", max_len=4096)
