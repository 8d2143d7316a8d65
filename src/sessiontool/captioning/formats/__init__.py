"""Cues written as WebVTT, SRT, TTML, ASS, plain text, podcast JSON and CSV: a module a format, `registry` the table."""
