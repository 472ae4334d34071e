"""What the verbs do with a program besides calling the library, for people and services."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from asserts.dialects.hosts import is_onnx
from asserts.graph.module import GraphModule
from shapes.base import shown_file

__all__ = ["REPORT_TITLE", "graph_text", "minimised"]

REPORT_TITLE: Final = "runtime asserts"


def minimised(program: Any, policy: Any) -> Any:
    """What `asserts.minimise` returns, with a report in source names, with the nodes."""
    import asserts

    result = asserts.minimise(program, policy=policy)
    if isinstance(program, GraphModule) or is_onnx(program):
        return result
    said = asserts.report(program, policy=policy)
    return replace(result, report=replace(said, title=result.report.title))


def graph_text(program: Any) -> str:
    """The graph as people read it, with paths as they know them."""
    if is_onnx(program):
        from asserts.dialects.onnx.checks.writing import written_text

        return written_text(program)
    module = program if isinstance(program, GraphModule) else program.graph_module
    text = str(module.print_readable(print_output=False))
    return _FILE.sub(lambda found: found[1] + shown_file(found[2]), text)


_FILE = re.compile(r"(^\s*# File: )(/[^:\n]*)", re.MULTILINE)
