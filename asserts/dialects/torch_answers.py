"""What single passes ask of the torch dialect, besides what all of them ask."""

from __future__ import annotations

from asserts.dialects.torch_constraints import TorchConstraints
from asserts.dialects.torch_effects import TorchEffects
from asserts.dialects.torch_folding import TorchFolding
from asserts.dialects.torch_memory import TorchMemory
from asserts.dialects.torch_noops import TorchNoOps
from asserts.dialects.torch_signatures import TorchSignatures
from asserts.dialects.torch_tracepoints import TorchTracepoints
from asserts.dialects.torch_values import TorchValues

__all__ = ["TorchAnswers"]


class TorchAnswers(
    TorchEffects, TorchConstraints, TorchTracepoints, TorchSignatures, TorchValues,
    TorchMemory, TorchNoOps, TorchFolding,
):  # fmt: skip
    """The answers, one base class for each topic."""
