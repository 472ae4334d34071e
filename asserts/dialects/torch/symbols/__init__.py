"""torch's `ShapeEnv` read as ours: symbols, ranges, and the checks that a program states."""
