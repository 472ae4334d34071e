"""What single passes ask of the torch dialect, besides what all of them ask."""

from __future__ import annotations

from asserts.dialects.torch.answers.constraints import TorchConstraints
from asserts.dialects.torch.answers.effects import TorchEffects
from asserts.dialects.torch.answers.folding import TorchFolding
from asserts.dialects.torch.answers.memory import TorchMemory
from asserts.dialects.torch.answers.noops import TorchNoOps
from asserts.dialects.torch.answers.signatures import TorchSignatures
from asserts.dialects.torch.answers.tracepoints import TorchTracepoints
from asserts.dialects.torch.answers.values import TorchValues

__all__ = ["TorchAnswers"]


class TorchAnswers(
    TorchEffects, TorchConstraints, TorchTracepoints, TorchSignatures, TorchValues,
    TorchMemory, TorchNoOps, TorchFolding,
):  # fmt: skip
    """The answers, one base class for each topic."""
