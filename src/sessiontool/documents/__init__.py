"""What comes with a session beside its chunks, read with leniency: session.json and logs of what was said."""
