"""Redaction: a second result of a session, from which stretches of sound and text are gone, and the proof of it."""
