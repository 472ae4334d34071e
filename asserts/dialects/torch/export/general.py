"""x"""
from __future__ import annotations
from collections.abc import Callable
from typing import Any
from asserts.dialects.torch.export.questions import Answer, Question
__all__ = ["assuming_no_size", "general_answer"]
def general_answer(question: Question) -> Answer | None:
    return None


def assuming_no_size(
    original: Callable[..., Any], wanted: Callable[[], bool]
) -> Callable[..., Any]:
    """torch's `FakeImplCtx.create_unbacked_symint`, by which operations such as
    `torchvision::nms` say how many results they have: by default it claims at least 2, for the
    tracer's convenience."""

    def create_unbacked_symint(self: Any, *, min: int | None = None, max: Any = None) -> Any:
        if min is None:
            return self.new_dynamic_size(min=0, max=max) if wanted() else original(self, max=max)
        return original(self, min=min, max=max)

    return create_unbacked_symint
