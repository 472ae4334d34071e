"""Reports as tables that fit the terminal."""

from __future__ import annotations

from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from asserts.cli.screen import Screen
from asserts.conditions.report import Outcome, Report, Row

__all__ = ["draw_report"]

_STYLES: Final[dict[Outcome, str]] = {
    "inserted": "yellow",
    "present": "yellow",
    "discharged": "green",
    "removed": "cyan",
    "changed": "cyan",
    "kept": "yellow",
    "unplaced": "red",
}

_WIDE: Final = 120
"""From here on, who states a check and where have a column each."""


def draw_report(screen: Screen, report: Report) -> None:
    """The summary, and a row for every check."""
    screen.line(report.summary(), "bold")
    if not report.rows:
        return
    screen.line()
    wide = screen.width is None or screen.width >= _WIDE
    screen.draw(_table(report, wide))


def _table(report: Report, wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    placed = any(row.place or row.outcome == "inserted" for row in report.rows)
    located = any(row.line for row in report.rows)
    table.add_column("check", overflow="fold", min_width=10)
    table.add_column("outcome", overflow="fold", min_width=8)
    if placed:
        table.add_column("place", overflow="fold")
    table.add_column("why or cost", overflow="fold")
    table.add_column("stated by" if wide else "stated by, line", overflow="fold")
    if wide and located:
        table.add_column("line", overflow="fold")
    for row in report.rows:
        table.add_row(*_cells(row, placed, located, wide))
    return table


def _cells(row: Row, placed: bool, located: bool, wide: bool) -> list[Text]:
    cells = [Text(row.condition), Text(row.word, style=_STYLES[row.outcome])]
    if placed:
        cells.append(Text(row.place or "entry"))
    cells.append(Text(row.proof_and_cost))
    if wide:
        cells.append(Text(row.stated_by))
        return [*cells, Text(row.line, style="dim")] if located else cells
    source = Text(row.stated_by)
    if row.line:
        source.append(f"\n{row.line}", style="dim")
    return [*cells, source]
