"""The walk: a model's nodes in order, with subgraphs and model-local functions.

Imports `dialects.onnx.model` and `dialects.onnx.rules`.
"""
