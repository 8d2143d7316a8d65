"""PCM in WAV, or without any header: RIFF, RF64 and raw samples."""
