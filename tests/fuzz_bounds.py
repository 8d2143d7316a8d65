"""Taking a fuzzer's input apart, and the time and memory that what is done with it may take."""

from __future__ import annotations

import gc
import io
import os
import time
import tracemalloc
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


SLOWNESS = float(os.environ.get("FUZZ_SLOWNESS", "5"))
"""How much slower than by itself the code runs: instrumented for coverage, about twice."""

_S_PER_MB, _S_AT_LEAST = 1.0, 0.1
_MEMORY_FACTOR, _MEMORY_AT_LEAST = 12, 4 << 20
_MEMORY_MEASURED_ONE_IN = 50
REPEATED_BYTES = 1 << 16


class Controls:
    """Takes an input apart: numbers from its end, then `rest` is the data.  A short input gives zeros."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def byte(self) -> int:
        value, self.rest = self.rest[-1:], self.rest[:-1]
        return value[0] if value else 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit`, by two bytes."""
        return (self.byte() << 8 | self.byte()) * (limit + 1) >> 16


@contextmanager
def bounded(input_bytes: int, *, measure_memory: bool = False) -> Iterator[io.BytesIO]:
    """Run what must take at most a second a megabyte, and a few times the input's memory where that is measured.

    What is written to the file it gives counts too: there may be more silence in it than there was input.
    """
    out = io.BytesIO()
    if measure_memory:
        gc.collect()
        tracemalloc.start()
    started = time.process_time()
    try:
        yield out
        took_s = time.process_time() - started
        peak = tracemalloc.get_traced_memory()[1] if measure_memory else 0
    finally:
        if measure_memory:
            tracemalloc.stop()
    input_bytes += 2 * len(out.getbuffer())
    slow = SLOWNESS * (4 if measure_memory else 1)
    allowed_s = (_S_AT_LEAST + _S_PER_MB * input_bytes / 1e6) * slow
    assert took_s <= allowed_s, f"{took_s:.2f} s for {input_bytes:,} bytes"
    allowed = _MEMORY_AT_LEAST + _MEMORY_FACTOR * input_bytes
    assert peak <= allowed, f"{peak:,} bytes of memory for {input_bytes:,} bytes"


def measures_memory(data: bytes) -> bool:
    """Whether this input is one of those whose memory is measured, which makes all slower."""
    return zlib.crc32(data) % _MEMORY_MEASURED_ONE_IN == 0
