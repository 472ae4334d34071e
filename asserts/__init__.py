"""Shapeproof's graph passes."""
