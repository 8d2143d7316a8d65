"""The terminal: stdout, stderr, progress and logs."""
