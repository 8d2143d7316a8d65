"""sessiontool: the chunks of a recorded voice session, joined without loss, with captions from the sound."""

__version__ = "0.1.0"
