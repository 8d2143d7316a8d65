"""Fuzzes Realtime event logs: any bytes, and conversations with lines lost, moved and hurt."""

from harness import run

if __name__ == "__main__":
    run("events", max_len=6000)
