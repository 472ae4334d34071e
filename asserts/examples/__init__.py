"""Real numpy programs, traced unchanged."""
