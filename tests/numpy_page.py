"""The tables of `docs/numpy.md`, made from the registry of rules and the table of guarantees.

    python -m tests.numpy_page          # writes the page anew
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from asserts.trace import RULE_MODULES
from asserts.trace.guarantees import ELEMENTS, GUARANTEES
from asserts.trace.registry import NAMES, numpy_functions

__all__ = ["PAGE", "page", "tables"]

PAGE = Path(__file__).parent.parent / "docs" / "numpy.md"
BEGIN, END = "<!-- tables: python -m tests.numpy_page -->", "<!-- end of the tables -->"
REFUSED = ("lib.stride_tricks.as_strided",)


def tables() -> str:
    """A table for every family of rules."""
    found = []
    for module in RULE_MODULES:
        rows = [
            row
            for rule, names in NAMES.items()
            if rule.__module__ == module.__name__
            for row in _rows(rule, names)
        ]
        title = inspect.cleandoc(module.__doc__ or "").splitlines()[0].rstrip(".:")
        head = ["| function | takes | known of the result |", "|---|---|---|"]
        found.append("\n".join([f"### {title.replace('`', '')}", "", *head, *sorted(rows)]))
    return "\n\n".join(found)


def _rows(rule: Any, names: tuple[str, ...]) -> list[str]:
    taken = ", ".join(map(_parameter, list(inspect.signature(rule).parameters.values())[1:]))
    return [
        f"| `np.{name}` | {taken or 'its operands'} | {_known(name)} |"
        for name in names
        if name not in REFUSED
    ]


def _parameter(parameter: inspect.Parameter) -> str:
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return "operands"
    return "options" if parameter.kind is inspect.Parameter.VAR_KEYWORD else parameter.name


def _known(name: str) -> str:
    says: list[str] = []
    for table in (GUARANTEES, ELEMENTS):
        for function in numpy_functions(_also_called(name)):
            row = table.get(function)
            if row is not None:
                unless = f" (unless {row.unless})" if row.unless else ""
                says.append(f"{row.says}{unless}")
    return "; ".join(says).replace("|", "\\|")


def _also_called(name: str) -> str:
    """A name that every numpy has for a function which some have under two."""
    return {"amax": "max", "amin": "min", "around": "round", "concat": "concatenate"}.get(
        name, name
    )


def page(text: str) -> str:
    """The page with its tables as they should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
