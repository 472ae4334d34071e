"""onnxruntime's own operators (``com.microsoft``) that real models have, and classical ML."""

from __future__ import annotations
