"""Passes over memory: what shares it, what does nothing, what can write in place."""
