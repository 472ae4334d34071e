"""Conditions in graphs: `emit` writes them as nodes, `lift` reads them back, `known` finds the
premises of a question, `report` tells what became of every assert.

Imports `dialects.base` and folders before it.
"""
