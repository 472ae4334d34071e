"""What single passes ask of the torch dialect, besides what all of them ask."""

from __future__ import annotations

from asserts.dialects.torch.constraints import TorchConstraints
from asserts.dialects.torch.effects import TorchEffects
from asserts.dialects.torch.folding import TorchFolding
from asserts.dialects.torch.memory import TorchMemory
from asserts.dialects.torch.noops import TorchNoOps
from asserts.dialects.torch.signatures import TorchSignatures
from asserts.dialects.torch.tracepoints import TorchTracepoints
from asserts.dialects.torch.values import TorchValues

__all__ = ["TorchAnswers"]


class TorchAnswers(
    TorchEffects, TorchConstraints, TorchTracepoints, TorchSignatures, TorchValues,
    TorchMemory, TorchNoOps, TorchFolding,
):  # fmt: skip
    """The answers, one base class for each topic."""
