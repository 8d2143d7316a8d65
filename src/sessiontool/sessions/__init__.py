"""What is done with one session, a use case a module: merge, recaption, verify, purge, probe, event_log, doctor."""
