"""torch's graphs: `torch.fx.GraphModule`, as torch.export and torch.compile make them.

`insert_deferred_runtime_asserts` and `remove_runtime_asserts` take the place of torch's own
passes, with the same signatures; ``with installed():`` puts them there. The passes are the
same ones that run on our own graphs; `graph` answers what they ask about torch.

What differs from torch's own: every check that torch has accepted is in the graph or proved
from checks that are (conditions with ``ceil``, rounding and floats included; ``u <= 1`` as
it stands); what the tracer only assumes proves nothing and is not emitted; messages name the
user's text and line. Limits: checks are read from torch's `ShapeEnv`, so what was decided
while tracing (a branch) is not checked again.
"""

# ruff: noqa: E402  (the version is looked at before anything needs its internals)
from __future__ import annotations

import torch

SUPPORTED = "2.13"
"""The version of torch whose passes these are; its internals differ between versions."""

if not torch.__version__.startswith(f"{SUPPORTED}."):
    raise ImportError(
        f"torch {torch.__version__} is installed, but Shapeproof's torch dialect is made for "
        f"torch {SUPPORTED}: install torch=={SUPPORTED}.0"
    )

from asserts.dialects.torch.answers.graph import TorchDialect
from asserts.dialects.torch.export.installed import installed
from asserts.dialects.torch.export.passes import (
    UncheckedWarning,
    insert_deferred_runtime_asserts,
)
from asserts.dialects.torch.export.remove import minimise, remove_runtime_asserts, report
from asserts.dialects.torch.symbols.shape_env import TorchEnv, UnreadableError

__all__ = [
    "TorchDialect",
    "TorchEnv",
    "UncheckedWarning",
    "UnreadableError",
    "insert_deferred_runtime_asserts",
    "installed",
    "minimise",
    "remove_runtime_asserts",
    "report",
]
