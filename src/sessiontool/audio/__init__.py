"""Opus packets as sound, and sound as packets, through PyAV; and voices in it."""
