"""Pages for people that are one file: no scripts, nothing from elsewhere, light and dark.

Every text may be a stranger's: `text`, `table` and `tiles` escape it, and the page's policy
lets nothing run or load.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

__all__ = ["bar", "document", "fold", "section", "table", "text", "tiles"]

_STYLE: Final = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1b1f27; --soft: #59616e;
  --line: #dfe3ea; --panel: #f5f7fa; --accent: #2457c5; --bad: #b3261e; --good: #1a7340; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --ink: #e8eaee;
  --soft: #a3abb8; --line: #313743; --panel: #1d222a; --accent: #8ab0ff; --bad: #ff9c94;
  --good: #7fd6a0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 78rem; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .75rem; }
p { margin: .25rem 0; } .soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr));
  gap: .75rem; margin-top: 1.5rem; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.5rem; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem; }
th { color: var(--soft); font-weight: 600; background: var(--panel); white-space: nowrap; }
tr + tr td, thead + tbody td { border-top: 1px solid var(--line); }
td { overflow-wrap: anywhere; min-width: 4rem; white-space: pre-wrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, td.code { font-family: ui-monospace, monospace; font-size: .85rem; }
.bad { color: var(--bad); } .good { color: var(--good); }
.bar { height: .5rem; border-radius: 4px; background: var(--line); min-width: 6rem;
  margin-top: .4rem; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
details { margin: .5rem 0; } summary { cursor: pointer; padding: .25rem 0; }
summary:focus-visible { outline: 2px solid var(--accent); }
"""


class Markup(str):
    """HTML that was made here, and is not escaped again."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A text, escaped; numbers with separators, None as nothing."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup("")
    if isinstance(value, int) and not isinstance(value, bool):
        return Markup(f"{value:,}")
    return Markup(escape(str(value)))


def bar(share: float) -> Markup:
    """A bar that is filled to a share of 0..1."""
    percent = f"{100 * min(1.0, max(0.0, share)):.1f}%"
    return Markup(f'<div class="bar"><i style="width: {percent}"></i></div>')


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table; columns of numbers are set to the right."""
    shown = [tuple(row) for row in rows]
    right = [any(map(_is_number, column)) for column in zip(*shown)] or [False] * len(header)
    head = "".join(
        f'<th scope="col"{_NUMBER if number else ""}>{escape(one)}</th>'
        for one, number in zip(header, right)
    )
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown)
    return Markup(
        f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


_NUMBER: Final = ' class="number"'


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: object) -> str:
    shown = f"{value:,.2f}" if isinstance(value, float) else text(value)
    return f"<td{_NUMBER if _is_number(value) else ''}>{shown}</td>"


def tiles(figures: Iterable[tuple[str, object]]) -> Markup:
    """Some figures, each with what it counts."""
    made = (f'<div class="tile"><b>{text(v)}</b>{escape(k)}</div>' for k, v in figures)
    return Markup(f'<div class="tiles">{"".join(made)}</div>')


def section(title: str, *parts: str) -> Markup:
    """A heading with what is below it."""
    return Markup(f"<section><h2>{escape(title)}</h2>{''.join(map(text, parts))}</section>")


def fold(title: str, *parts: str) -> Markup:
    """Something that opens when its title is clicked."""
    shown = "".join(map(text, parts))
    return Markup(f"<details><summary>{escape(title)}</summary>{shown}</details>")


def document(title: str, under: str, *parts: str) -> str:
    """The whole page: its title, a line below it, and its parts. It can be encoded: names of
    files and strangers' texts may hold surrogates, which are shown as ``\\udcff``."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    whole = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="soft">{escape(under)}</p>'
        f"{''.join(map(text, parts))}</main></body></html>\n"
    )
    return whole.encode(errors="backslashreplace").decode()
