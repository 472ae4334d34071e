"""How an environment shows itself: as text, on the pages of notebooks, and as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from shapes.env.arguments import Claim, Quantity
    from shapes.env.shape_env import ShapeEnv

__all__ = ["Displayed"]


class Displayed:
    """What `ShapeEnv` inherits for the eyes."""

    __slots__ = ()

    def __str__(self) -> str:
        from shapes.env.display import env_text

        return env_text(cast("ShapeEnv", self))

    def __repr__(self) -> str:
        from shapes.env.display import env_line

        return env_line(cast("ShapeEnv", self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from shapes.env.display import env_html

        return env_html(cast("ShapeEnv", self))

    def _repr_latex_(self) -> str:
        from shapes.env.display import env_latex

        return env_latex(cast("ShapeEnv", self))

    def plot(
        self,
        x: Quantity,
        y: Quantity,
        claim: Claim | None = None,
        *,
        window: tuple[int, int, int, int] | None = None,
        ax: object = None,
    ) -> Any:
        """The region that the facts leave to two symbols, as a picture; see
        `shapes.env.plots.plot_region`. Needs matplotlib (extra ``notebooks``)."""
        from shapes.env.plots import plot_region

        return plot_region(cast("ShapeEnv", self), x, y, claim, window=window, ax=ax)

    def plot_ranges(self, *names: str, ax: object = None) -> Any:
        """The range of every integer symbol (or of those named) as a bar; see
        `shapes.env.plots.plot_ranges`. Needs matplotlib (extra ``notebooks``)."""
        from shapes.env.plots import plot_ranges

        return plot_ranges(cast("ShapeEnv", self), names, ax=ax)
