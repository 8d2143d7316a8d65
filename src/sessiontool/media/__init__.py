"""Demuxers and muxers for Opus and AAC: bytes in, packets out, for each container a folder.  No I/O of its own.

`probe` says what bytes are and gives the demuxer; `packets` is what every demuxer gives.  Of `chunks`, the blobs of one
recording in order, a file that seeks:

    >>> from io import BytesIO
    >>> from sessiontool.media.matroska.muxer import WebmMuxer
    >>> from sessiontool.media.probe import open_demuxer
    >>> demuxer, muxer, out = open_demuxer(chunks[0]), WebmMuxer(BytesIO()), BytesIO()
    >>> for chunk in chunks:
    ...     for run in demuxer.feed(chunk):
    ...         muxer.write(run.payloads, run.durations)
    >>> for run in demuxer.flush():
    ...     muxer.write(run.payloads, run.durations)
    >>> muxer.finish(out, demuxer.track.head, writing_app="example", track_uid=1)
    >>> demuxer.ledger.damages
    []
"""
