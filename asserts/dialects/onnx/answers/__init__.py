"""What is asked of an inferred model: its input contract, and sizes that keep or break it.

Imports `dialects.onnx.infer` and folders before it.
"""
