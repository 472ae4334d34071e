"""A graph with the protocol of FX: nodes, modules around graphs, printing, a verifier, JSON.

Imports nothing of `asserts` but `asserts.errors`.
"""
