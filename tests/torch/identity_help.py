"""Programs that look at a run-time truth as an object, or catch their own asserts (pytest
rewrites asserts of tests)."""

from __future__ import annotations

import contextlib

from torch import Tensor


def is_true(x: Tensor, n: Tensor) -> Tensor:
    return x + 1 if (n.item() > 3) is True else x - 1


def is_not_false(x: Tensor, n: Tensor) -> Tensor:
    large = n.item() > 3
    return x + 1 if large is not False else x - 1


def on_one_line(x: Tensor, n: Tensor) -> Tensor:
    large = n.item() > 3; return x + 1 if large is True else x - 1  # noqa: E702


def kept_there(x: Tensor, n: Tensor) -> Tensor:
    if (large := n.item() > 3) is True:
        return x * 3
    return x * (1 + large)


def matched(x: Tensor, n: Tensor) -> Tensor:
    match n.item() > 3:
        case False:
            return x + 1
        case True:
            return x - 1
    return x


def of_tensor(x: Tensor, n: Tensor) -> Tensor:
    return x + 1 if (n > 3).item() is True else x - 1


def _is_large(n: Tensor) -> bool:
    return bool(n.item() > 3)


def _large(n: Tensor) -> bool:
    return n.item() > 3


def returned(x: Tensor, n: Tensor) -> Tensor:
    return x + 1 if _large(n) is True else x - 1


def converted(x: Tensor, n: Tensor) -> Tensor:
    return x + 1 if _is_large(n) is True else x - 1


def combined(x: Tensor, n: Tensor) -> Tensor:
    k = n.item()
    return x + 1 if ((k > 3) | (k < 0)) is True else x - 1


def equal(x: Tensor, n: Tensor) -> Tensor:
    return x + 1 if (n.item() > 3) == True else x - 1  # noqa: E712


def caught(x: Tensor, n: Tensor) -> Tensor:
    try:
        assert n.item() > 3
    except AssertionError:
        return x - 1
    return x + 1


def caught_with_text(x: Tensor, n: Tensor) -> Tensor:
    try:
        assert (n > 3).all(), "small"
    except Exception:
        return x - 1
    return x + 1


def suppressed(x: Tensor, n: Tensor) -> Tensor:
    y = x - 1
    with contextlib.suppress(AssertionError):
        assert n.item() > 3
        y = x + 1
    return y


LOOKED_AT = (
    is_true, is_not_false, on_one_line, kept_there, matched, of_tensor, returned, converted,
    combined, equal, caught, caught_with_text, suppressed,
)  # fmt: skip


def raises(x: Tensor, n: Tensor) -> Tensor:
    ok = bool(n > 3)
    if not ok:
        raise ValueError("small")
    return x + 1


def raises_bad(x: Tensor, n: Tensor) -> Tensor:
    bad = bool((n <= 3).any())
    if bad or x.shape[0] == 0:
        raise ValueError("small")
    return x + 1


def asserts(x: Tensor, n: Tensor) -> Tensor:
    ok = bool(n > 3)
    assert ok, "small"
    return x + 1


KEPT = (raises, raises_bad, asserts)
