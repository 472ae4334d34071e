"""How values show themselves at IPython's prompt."""

from __future__ import annotations

from typing import Any

__all__ = ["shown_as_text"]


def shown_as_text(value: Any, printer: Any, cycle: bool) -> None:
    """A method ``_repr_pretty_``: the text of the value, as `print` shows it."""
    printer.text(str(value))
