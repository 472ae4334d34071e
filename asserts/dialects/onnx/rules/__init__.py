"""Operators of ONNX as a table: one record each, in one small module for each family.

A record says the shapes of an operator's results, their element types where the schema does
not, the elements of small integer tensors, and, through its `Call`, what the operator requires
and guarantees. Adding an operator is adding a record. Imports `dialects.onnx.model`.
"""
