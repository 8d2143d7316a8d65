"""Opus and AAC in MP4, whole or fragmented: ISO/IEC 14496-12 and the mappings for it."""
