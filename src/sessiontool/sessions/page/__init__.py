"""The page of a session: one HTML file beside its audio, and one over all sessions of a store."""
