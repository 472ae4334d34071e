"""Guards as code: Python for one set of sizes, numpy for many at once."""
