"""Contracts of functions from their annotations: checked at every call, drawn from, traced.

`places` and `system` say what the sizes mean together (the equations are solved by
`asserts.trace.derived`, every question is the engine's), `terms` holds the systems of a
function, `compiling` writes its guard, `checking` and `explain` are what the guard falls back
on, `traced` what a trace makes of it; `drawing` makes arguments for tests, `module` looks at
whole modules. Imports `annotations`, `trace`, `passes`, `testing` and folders before them.
"""

from __future__ import annotations

from asserts.contracts.function import FunctionContract, contracted

__all__ = ["FunctionContract", "contracted"]
