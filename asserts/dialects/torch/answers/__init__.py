"""What passes ask of torch's graphs: the core questions in `graph`, a module for each topic
besides."""
