"""Opus in Ogg: RFC 3533 and RFC 7845."""
