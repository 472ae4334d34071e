"""Certificates of proofs as JSON: a tree of objects with a `kind` each.

The kinds are the classes of `shapes.arith.certificate`, in lower case. Conditions are text in
the grammar. A certificate of more than `MOST` objects is cut: where `{"kind": "cut"}` stands,
there was more.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Final

from asserts.cli.documents import number
from shapes.expr import Expr
from shapes.facts import Fact
from shapes.traversal import show

__all__ = ["of_certificate"]

MOST: Final = 2000
"""Objects of one certificate."""


def of_certificate(certificate: object | None) -> Any:
    """The certificate as data; None if there is none."""
    return None if certificate is None else _Walk().of(certificate)


class _Walk:
    """One walk through a certificate."""

    def __init__(self) -> None:
        self.left = MOST

    def of(self, value: Any) -> Any:
        if isinstance(value, Expr):
            return show(value)
        if isinstance(value, Fact):
            return value.spelled
        if isinstance(value, (tuple, list)):
            return [self.of(one) for one in value]
        if type(value).__name__ == "Parameter":
            return value.name
        if is_dataclass(value) and not isinstance(value, type):
            return self._object(value)
        return value if value is None or isinstance(value, str) else number(value)

    def _object(self, value: Any) -> dict[str, Any]:
        self.left -= 1
        if self.left < 0:
            return {"kind": "cut"}
        parts = {field.name: self.of(getattr(value, field.name)) for field in fields(value)}
        return {"kind": type(value).__name__.lower(), **parts}
