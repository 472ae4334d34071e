"""Views that show elements more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asserts.errors import TraceError
from asserts.trace.registry import rule
from asserts.trace.rules.reduce import axes_argument
from asserts.trace.rules.shape import view
from shapes import tensors

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


@rule("lib.stride_tricks.sliding_window_view")
def _sliding_windows(t: Tracer, x: Any, window_shape: Any, axis: Any = None) -> Any:
    array = t.lift(x)
    window = t.dims_of(window_shape)
    places = axes_argument(axis)
    if isinstance(places, int):
        places = (places,)
    shape = tensors.sliding_windows(array._dims, window, places)
    options = {} if places is None else {"axis": places}
    result = view(t, array, (window,), options, shape)
    array.share()  # numpy does not let a program write into the windows
    return result


@rule("lib.stride_tricks.as_strided")
def _as_strided(t: Tracer, x: Any, *args: Any, **options: Any) -> Any:
    raise TraceError(
        "np.lib.stride_tricks.as_strided reads memory by its layout, which a graph does not "
        "know (and numpy does not check); use np.lib.stride_tricks.sliding_window_view for "
        "windows, np.broadcast_to for repeats, x[::k] for steps"
    )
