"""WebM with one Opus track: EBML, a demuxer, a muxer.

It reads what browsers' MediaRecorder writes, also where it is cut anywhere or damaged, and writes files that seek.
It follows RFC 8794 (EBML), RFC 9559 (Matroska), RFC 6716 (Opus packets) and RFC 7845 (OpusHead).  It does no I/O of
its own: bytes come in and file objects are handed in.  It is not a general Matroska library: no video, no
encryption.
"""
