"""Views for terminals and notebooks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from shapes.base.digits import interval, short
from shapes.expr.nodes import BoolExpr
from shapes.facts.verdict import Status, Verdict
from shapes.traversal.mathematics import escaped, latex, mathematical_html

if TYPE_CHECKING:
    from shapes.env.proof_tree import Branch
    from shapes.env.shape_env import ShapeEnv
    from shapes.env.symints import Symbolic

__all__ = [
    "env_html", "env_latex", "env_line", "env_text", "facts_text", "html_table",
    "symbolic_html", "symbols_text", "terminal_width", "text_table", "verdict_html",
    "verdict_latex",
]  # fmt: skip

_BACKGROUNDS = {
    Status.ALWAYS: "#1a7f37",
    Status.NEVER: "#cf222e",
    Status.DEPENDS: "#9a6700",
    Status.UNKNOWN: "#57606a",
}
"""Behind white text, so that it can be read on pages of any colour."""

_MUTED = "opacity:0.75"  # of the page's own colour


def terminal_width() -> int | None:
    """How many characters fit into a line: what the variable COLUMNS says, or what the
    terminal says that standard output is; None if it is none."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns[:9]) > 0:
        return int(columns[:9])
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (AttributeError, OSError, ValueError):  # no output, no file, or no terminal
        return None


_GAP = "  "
_NARROWEST = 8


def text_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], width: int | None = None
) -> str:
    """Columns of text, each as wide as its widest entry; where that is wider than `width`,
    the widest entries are wrapped."""
    lines = [list(map(str, header)), *[list(map(str, row)) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    if width is not None:
        widths = _fitted(widths, width - len(_GAP) * (len(widths) - 1))
    shown = [part for line in lines for part in _cells(line, widths)]
    head = len(_cells(lines[0], widths))
    rule = _GAP.join("-" * w for w in widths)
    return "\n".join([*shown[:head], rule, *shown[head:]])


def _fitted(widths: list[int], room: int) -> list[int]:
    """The widths with the widest made narrower until all together fit."""
    limit = max(widths, default=0)
    while limit > _NARROWEST and sum(min(w, limit) for w in widths) > room:
        limit -= 1
    return [min(w, limit) for w in widths]


def _cells(texts: Sequence[str], widths: Sequence[int]) -> list[str]:
    """One row of a table: a line, or several if texts are wrapped."""
    columns = [_wrapped(text, width) for text, width in zip(texts, widths)]
    height = max((len(column) for column in columns), default=1)
    padded = [column + [""] * (height - len(column)) for column in columns]
    return [
        _GAP.join(text.ljust(width) for text, width in zip(line, widths)).rstrip()
        for line in zip(*padded)
    ]


def _wrapped(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    import textwrap

    return textwrap.wrap(text, width, break_on_hyphens=False)


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The same as an HTML table; every text is escaped."""
    head = "".join(f"<th style='text-align:left'>{escape(str(h))}</th>" for h in header)
    body = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:left'>{escape(str(t))}</td>" for t in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_SYMBOLS = ("symbol", "kind", "range", "congruence", "source", "hint")


def _symbol_rows(env: ShapeEnv) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for info in env.symbols.values():
        known = env.bounds(info.symbol)
        congruence = ""
        if info.kind == "int":
            modulus, residue = env.congruence(info.symbol)
            congruence = "" if modulus == 1 else f"{short(residue)} mod {short(modulus)}"
        rows.append(
            (
                info.name,
                info.kind if info.backed else f"{info.kind}, unbacked",
                interval(known.lower, known.upper),
                congruence,
                info.source or "",
                "" if info.hint is None else short(info.hint),
            )
        )
    return rows


_FACTS = ("fact", "source")

_NAMES = 8
"""Symbols that are named in one line."""


def _fact_rows(env: ShapeEnv) -> list[tuple[str, str]]:
    return [(fact.spelled, fact.provenance) for fact in env.facts]


def env_text(env: ShapeEnv) -> str:
    """Symbols and facts as two tables."""
    if not env.symbols:
        return "ShapeEnv without symbols"
    shown = symbols_text(env)
    return f"{shown}\n\n{facts_text(env)}" if len(env.facts) else shown


def symbols_text(env: ShapeEnv) -> str:
    """The symbols as a table that fits the terminal: each with its range."""
    return text_table(_SYMBOLS, _symbol_rows(env), terminal_width())


def facts_text(env: ShapeEnv) -> str:
    """The facts as a table that fits the terminal: each with its source."""
    return text_table(_FACTS, _fact_rows(env), terminal_width())


def env_line(env: ShapeEnv) -> str:
    """What there is, in one line."""
    names = list(env.symbols)
    shown = ", ".join(names[:_NAMES]) + (", ..." if len(names) > _NAMES else "")
    counts = {"fact": len(env.facts), "guard": len(env.guards), "check": len(env.checks)}
    said = ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items())
    return f"<ShapeEnv of {shown or 'no symbols'}: {said}>"


def env_html(env: ShapeEnv) -> str:
    """Symbols and facts as two HTML tables."""
    return html_table(_SYMBOLS, _symbol_rows(env)) + html_table(_FACTS, _fact_rows(env))


def symbolic_html(value: Symbolic) -> str:
    """An expression with its range."""
    written = getattr(value, "written", None)
    shown = f"<code>{escape(written)}</code>" if written else mathematical_html(value.expr)
    if isinstance(value.expr, BoolExpr):
        return shown
    known = value.env.bounds(value)
    within = f"in {interval(known.lower, known.upper)}"
    return f"{shown} <span style='{_MUTED}'>{escape(within)}</span>"


def verdict_html(verdict: Verdict) -> str:
    """A verdict with its status in colour, its explanation below, and the steps of its proof
    to be unfolded."""
    background = _BACKGROUNDS[verdict.status]
    style = f"background:{background};color:#ffffff;padding:0 0.4em;border-radius:0.3em"
    lines = [escape(line.strip()) for line in verdict.explain().splitlines()]
    head = (
        f"<div><b style='{style}'>{verdict.status.name}</b> "
        f"<code>{escape(verdict.text)}</code></div>"
    )
    below = "".join(f"<div style='margin-left:1.5em'>{line}</div>" for line in lines)
    return head + below + _steps_html(verdict)


def _steps_html(verdict: Verdict) -> str:
    proof = verdict.proof
    if proof is None or proof.certificate is None:
        return ""
    from shapes.env.proof_tree import proof_tree
    from shapes.expr.booleans import negation

    claim = negation(verdict.claim) if verdict.disproved else verdict.claim
    return f"<div style='margin-left:1.5em'>{_unfolding(proof_tree(proof, claim))}</div>"


def _unfolding(branch: Branch) -> str:
    """A branch as an element that opens where something stands below it."""
    text = escape(branch.text)
    if not branch.below:
        return f"<div style='margin-left:1.1em'>{text}</div>"
    below = "".join(map(_unfolding, branch.below))
    return (
        f"<details><summary>{text}</summary>"
        f"<div style='margin-left:1em'>{below}</div></details>"
    )


def verdict_latex(verdict: Verdict) -> str:
    """The claim, and what is known of it."""
    said = _SAID[verdict.status]
    return rf"$\displaystyle {latex(verdict.claim)}\quad\text{{{said}}}$"


_SAID = {
    Status.ALWAYS: "always holds",
    Status.NEVER: "never holds",
    Status.DEPENDS: "depends on the values",
    Status.UNKNOWN: "could not be decided",
}


def env_latex(env: ShapeEnv) -> str:
    """The facts, one below the other, and where each comes from."""
    rows = [rf"{latex(f.claim)} & \text{{{escaped(f.provenance)}}}" for f in env.facts]
    body = r" \\ ".join(rows)
    return rf"$\begin{{array}}{{ll}} {body} \end{{array}}$"
