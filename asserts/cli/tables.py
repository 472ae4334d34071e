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

_NARROW: Final = 70
"""Up to here, everything may be broken anywhere."""

_LONGEST_LINE: Final = 28
"""Up to this, locations are not broken."""


def draw_report(screen: Screen, report: Report) -> None:
    """The summary, and a row for every check."""
    screen.line(report.summary(), "bold")
    if report.rows:
        screen.line()
        _draw_rows(screen, report)
    if report.decisions:
        screen.line()
        screen.line("decided while the program was traced", "bold")
        screen.line()
        screen.draw(_decisions(report))


def _draw_rows(screen: Screen, report: Report) -> None:
    wide = screen.width is None or screen.width >= _WIDE
    roomy = screen.width is None or screen.width >= _NARROW
    screen.draw(_table(report, wide, _LONGEST_LINE if roomy else 0))


def _decisions(report: Report) -> Table:
    header, rows = report.decided()
    table = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0),
        header_style="bold",
    )  # fmt: skip
    for title in header:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _table(report: Report, wide: bool, longest_line: int) -> Table:
    table = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0),
        header_style="bold",
    )  # fmt: skip
    placed = any(row.place or row.outcome == "inserted" for row in report.rows)
    located = any(row.line for row in report.rows)
    whole = max(len(text) for row in report.rows for text in (row.line, row.stated_by))
    table.add_column("check", overflow="fold")
    table.add_column("outcome", overflow="fold")
    if placed:
        table.add_column("place", overflow="fold")
    table.add_column("why or cost", overflow="fold")
    if wide:
        table.add_column("stated by", overflow="fold")
    if not wide or located:
        title = "line" if wide else "stated by, line"
        table.add_column(title, overflow="fold", no_wrap=whole <= longest_line)
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
