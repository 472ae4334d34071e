"""Verbs whose argument is an expression, which may begin with a minus: ``prove '-x <= 0'``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from typer.core import TyperCommand

__all__ = ["ExpressionCommand", "expressions_last"]


class ExpressionCommand(TyperCommand):
    """A command that takes words with a leading minus as expressions, unless they are options
    or look like misspelled ones."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, with the expressions at the end."""
        takes_value = {
            name: not getattr(parameter, "is_flag", False)
            for parameter in self.get_params(ctx)
            for name in (*parameter.opts, *parameter.secondary_opts)
            if name.startswith("-")
        }
        return super().parse_args(ctx, expressions_last(args, takes_value))


_LIKE_AN_OPTION = re.compile(r"--[A-Za-z][\w-]*(=(?!=).*)?", re.DOTALL)


def expressions_last(args: Sequence[str], takes_value: Mapping[str, bool]) -> list[str]:
    """The arguments with the expressions behind a ``--``; `takes_value` are the options."""
    kept: list[str] = []
    expressions: list[str] = []
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            expressions += rest
        elif arg in takes_value:
            value = list(islice(rest, 1 if takes_value[arg] else 0))
            kept += [arg, *value]
            if takes_value[arg] and not value:
                return kept  # (its value is missing, which is what is to be said)
        elif arg.startswith("-") and not _LIKE_AN_OPTION.fullmatch(arg):
            expressions.append(arg)
        else:
            kept.append(arg)
    return [*kept, "--", *expressions] if expressions else kept
