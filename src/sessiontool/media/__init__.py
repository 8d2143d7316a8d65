"""Demuxers and muxers for Opus: bytes in, packets out, for each container a folder.  No I/O of its own.

`probe` says what bytes are and gives the demuxer; `packets` is what every demuxer gives.
"""
