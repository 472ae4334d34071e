"""Models in files and messages: reading, types, small constants, annotated copies.

Models are ``onnx.ModelProto`` messages. External data is never read. Nothing here knows
operators.
"""
