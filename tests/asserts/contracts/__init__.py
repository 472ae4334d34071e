"""Contracts of functions."""
