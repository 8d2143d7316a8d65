"""Sessions as browsers record them, with chosen faults, and what is true of the result."""
