"""Chunks in, packets for `concat` out: what a session recorded, read, checked and put in order.

`assemble` does a session and `recording` one recording of it; `chains` says which chunks are one, `continuity` whether
they are all there, and `records` is what is told of them.
"""
