"""What need not stop a program is no check of it, and what is told is told by Python: programs
that catch what they raise, and functions that are called like others."""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import sys
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from asserts.dialects.torch import installed
from asserts.dialects.torch.export.tried import SwallowedWarning
from tests.torch.test_rungs import Function, exported
from tests.torch.test_rungs_attacked import EXAMPLE, compare

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:the program's code catches torch's own error"),
]

logger = logging.getLogger(__name__)


def _raises(x: Any, n: Any) -> Any:
    if n > 5:
        raise ValueError("n is too large")
    return x * 2


# --------------------------------------------------------------------------- what is caught


def _translated_and_caught(x: Any, n: Any) -> Any:
    def inner() -> Any:
        try:
            return _raises(x, n)
        except ValueError as error:
            raise RuntimeError("bad n") from error

    try:
        return inner()
    except RuntimeError:
        return x


def _translated_in_one(x: Any, n: Any) -> Any:
    try:
        try:
            return _raises(x, n)
        except ValueError:
            raise KeyError("bad n") from None
    except LookupError:
        return x


def _falls_back(x: Any, n: Any) -> Any:
    try:
        x = _raises(x, n)
    except (KeyError, ValueError):
        x = x - 1
    return x


def _perhaps_raises_again(x: Any, n: Any) -> Any:
    try:
        return _raises(x, n)
    except ValueError:
        if x.dim() == 1:
            return x
        raise


def _breaks_at_last(x: Any, n: Any) -> Any:
    for _ in range(1):
        try:
            x = _raises(x, n)
        finally:
            break  # noqa: B012
    return x


def _continues_at_last(x: Any, n: Any) -> Any:
    for _ in range(1):
        try:
            x = _raises(x, n)
        finally:
            continue  # noqa: B012
    return x


def _returns_within_last(x: Any, n: Any) -> Any:
    try:
        return _raises(x, n)
    finally:
        if x.dim() == 1:
            for _ in range(1):
                return x  # noqa: B012


def _yields_first(x: Any, n: Any) -> Any:
    def numbers() -> Any:
        if n > 5:
            yield 3
            raise ValueError("too large")
        yield 2

    return x * next(numbers())


def _swallowed(x: Any, n: Any) -> Any:
    with contextlib.suppress(ValueError), torch.no_grad():
        x = _raises(x, n)
    return x


def _swallowed_by_a_stack(x: Any, n: Any) -> Any:
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(ValueError))
        x = _raises(x, n)
    return x  # noqa: RET504


class Forgiving(contextlib.ContextDecorator):
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> bool:
        return True


class TorchLike:
    """What is called like a module that is known to let exceptions out."""

    no_grad = Forgiving


def _shadowed_context(x: Any, n: Any) -> Any:
    torch = TorchLike()
    with torch.no_grad():
        x = _raises(x, n)
    return x  # noqa: RET504


def _bound_anew(x: Any, n: Any) -> Any:
    context = Forgiving
    with context():
        context = torch.no_grad
        x = _raises(x, n)
    return x  # noqa: RET504


@Forgiving()
def _forgiven(x: Any, n: Any) -> Any:
    return _raises(x, n)


def _decorated(x: Any, n: Any) -> Any:
    found = _forgiven(x, n)
    return x if found is None else found


def _fallback(function: Function) -> Function:
    @functools.wraps(function)
    def wrapped(x: Any, n: Any) -> Any:
        try:
            return function(x, n)
        except Exception:
            return x

    return wrapped


_decorated_by_hand = _fallback(_raises)


class ForgivingTorch(torch.no_grad):
    def __exit__(self, *_: Any) -> bool:  # type: ignore[override]
        super().__exit__(*_)
        return True


@ForgivingTorch()
def _torch_forgiven(x: Any, n: Any) -> Any:
    return _raises(x, n)


def _decorated_with_torchs(x: Any, n: Any) -> Any:
    found = _torch_forgiven(x, n)
    return x if found is None else found


class MineError(LookupError):
    pass


def _shadowed_error(x: Any, n: Any) -> Any:
    ValueError = MineError
    try:
        if n > 5:
            raise ValueError("too large")
    except LookupError:
        return x
    return x * 2


def _assert(condition: Any, message: str = "") -> None:
    del condition


def _shadowed_assert(x: Any, n: Any) -> Any:
    _assert(bool(n <= 5), "n is too large")
    return x * 2


class Deleted:
    def __init__(self, n: Any) -> None:
        self.n = n

    def __del__(self) -> None:
        if self.n > 5:
            raise ValueError("nobody hears that")


def _deleted(x: Any, n: Any) -> Any:
    Deleted(n)
    return x * 2


class Counted:
    def __init__(self, n: Any) -> None:
        self.n = n

    def __len__(self) -> int:
        if self.n > 5:
            raise TypeError("a hint only")
        return 1

    def __iter__(self) -> Any:
        return iter([2])


def _hinted(x: Any, n: Any) -> Any:
    return x * sum(list(Counted(n)))


class Attributed:
    def __init__(self, n: Any) -> None:
        self.n = n

    @property
    def factor(self) -> int:
        if self.n > 5:
            raise AttributeError("none")
        return 2


def _has_a_default(x: Any, n: Any) -> Any:
    return x * getattr(Attributed(n), "factor", 3)


CAUGHT = [
    _translated_and_caught, _translated_in_one, _falls_back, _perhaps_raises_again,
    _breaks_at_last, _continues_at_last, _returns_within_last, _yields_first, _swallowed,
    _swallowed_by_a_stack, _shadowed_context, _bound_anew, _decorated, _decorated_by_hand,
    _decorated_with_torchs, _shadowed_error, _shadowed_assert, _deleted, _hinted,
    _has_a_default,
]  # fmt: skip


@pytest.mark.parametrize("function", CAUGHT, ids=lambda f: f.__name__.strip("_"))
def test_what_is_caught_on_the_way_out_is_no_check(function: Function) -> None:
    """Either the rungs that assume nothing refuse, or the program accepts what eager does."""
    try:
        compare(function, True, exactly=True)
    except GuardOnDataDependentSymNode:
        assert set(compare(function, "example")) == {"example"}


def test_groups_of_exceptions(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grouped_errors.py").write_text(
        "def grouped(x, n):\n"
        "    try:\n"
        "        if n > 5:\n"
        "            raise ValueError('too large')\n"
        "    except* ValueError:\n"
        "        x = x - 1\n"
        "    return x * 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import grouped_errors  # type: ignore[import-not-found]

    with pytest.raises(GuardOnDataDependentSymNode):
        exported(grouped_errors.grouped, EXAMPLE, decide=True)
    assert compare(grouped_errors.grouped, "example") == ["example"]


# --------------------------------------------------------------------------- left to torch


class Handled(nn.Module):
    """A quick way where a condition on data holds, and else another; torch's error leads there,
    too. State is written in both."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.factor = factor

    def forward(self, x: Any, n: Any) -> Any:
        self.count.add_(1)
        try:
            y = x * 2 if (x > 0).all() else x + x
        except Exception:
            y = x * self.factor
        return y + self.count


def test_a_program_that_catches_torchs_error_is_what_torch_makes_of_it() -> None:
    """If that is right for the example; torch alone does not ask."""
    given = (torch.ones(3), torch.tensor(2))
    model = Handled(2.0)
    with installed(decide=True), pytest.warns(SwallowedWarning, match="catches torch's own"):
        made = torch.export.export(model, given).module()
    assert model.count == 0
    for x in (torch.ones(3), -torch.ones(3)):
        results = []
        for run in (made, model):
            model.count.zero_()  # (the program has the same tensor)
            results.append(run(x, given[1]))
        torch.testing.assert_close(*results)

    with installed(decide=True), pytest.raises(GuardOnDataDependentSymNode):
        torch.export.export(Handled(3.0), given)


# --------------------------------------------------------------------------- what is not


def _another_is_caught(x: Any, n: Any) -> Any:
    try:
        return _raises(x, n)
    except (KeyError, RuntimeError):
        return x


def _told_and_raised(x: Any, n: Any) -> Any:
    if n > 5:
        message = f"{n} is larger than {len(x.shape)}"
        logger.error(message)
        raise ValueError(message + "!")
    return x * 2


def _says_what_is_allowed(x: Any, n: Any) -> Any:
    least = None
    if n > 5:
        raise ValueError(f"{x} is not among {[5] if least is None else [least, 5]}")
    return x * 2


def _cleans_up(x: Any, n: Any) -> Any:
    try:
        return _raises(x, n)
    finally:
        del x


@torch.no_grad()
def _without_gradients(x: Any, n: Any) -> Any:
    with torch.autocast("cpu", enabled=False):
        return _raises(x, n)


def _in_a_loop(x: Any, n: Any) -> Any:
    return sum(_raises(x, n) for _ in range(2))


LEAVES = [
    _another_is_caught, _told_and_raised, _says_what_is_allowed, _cleans_up, _without_gradients,
    _in_a_loop,
]  # fmt: skip


@pytest.mark.parametrize("function", LEAVES, ids=lambda f: f.__name__.strip("_"))
def test_what_leaves_the_model_is_a_check(function: Function) -> None:
    assert set(compare(function, True, exactly=True)) == {"check"}


# --------------------------------------------------------------------------- what is told


class Log:
    """Has the names of a logger."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def warning(self, *given: Any) -> None:
        self.told.append(given)


class Shows:
    """Changes when it is shown."""

    def __init__(self) -> None:
        self.times = 0

    def __str__(self) -> str:
        self.times += 1
        return "shown"

    @property
    def size(self) -> int:
        self.times += 1
        return 3


class OwnLogger(logging.Logger):
    def warning(self, *given: Any, **options: Any) -> None:
        self.told = True


def _prints_a_write(x: Any, n: Any) -> Any:
    if n > 5:
        print(x.add_(1))
    return x * 2


def _prints_an_item(x: Any, n: Any) -> Any:
    items = [1, 2]
    if n > 5:
        print(items.pop())
    return x * len(items)


def _names_within(x: Any, n: Any) -> Any:
    k = 1
    if n > 5:
        print(k := 3)
    return x * k


def _own_print(x: Any, n: Any) -> Any:
    items: list[Any] = []
    print = items.append
    if n > 5:
        print(1)
    return x * (len(items) + 2)


def _own_log(x: Any, n: Any) -> Any:
    log = Log()
    if n > 5:
        log.warning("large")
    return x * (len(log.told) + 2)


def _own_class_of_loggers(x: Any, n: Any) -> Any:
    log = OwnLogger("own")
    if n > 5:
        log.warning("large")
    return x * (3 if hasattr(log, "told") else 2)


def _stored(x: Any, n: Any) -> Any:
    shows = Shows()
    if n > 5:
        shows.times = 5
    return x * (shows.times + 2)


def _shown(x: Any, n: Any) -> Any:
    shows = Shows()
    if n > 5:
        warnings.warn(f"{shows}", stacklevel=1)
    return x * (shows.times + 2)


def _read(x: Any, n: Any) -> Any:
    shows = Shows()
    if n > 5:
        print("a size of", shows.size)
    return x * (shows.times + 2)


def _printed_to(x: Any, n: Any) -> Any:
    log = Log()
    log.write = log.warning  # type: ignore[attr-defined]
    if n > 5:
        print("large", file=log)  # type: ignore[call-overload]
    return x * (len(log.told) + 2)


def _raises_while_it_tells(x: Any, n: Any) -> Any:
    if n > 5:
        print(x[10])
    return x * 2


y = "a global, which the function below has hidden"


def _not_bound_yet(x: Any, n: Any) -> Any:
    if n > 5:
        print(y)  # noqa: F823
    y = x * 2
    return y  # noqa: RET504


def _oddly_told(x: Any, n: Any) -> Any:
    if n > 5:
        print("large", sep=3)  # type: ignore[call-overload]
    return x * 2


def _badly_told(x: Any, n: Any) -> Any:
    if n > 5:
        print("%d %d" % (1,))  # noqa: F507, UP031
    return x * 2


def _recorded(x: Any, n: Any) -> Any:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if n > 5:
            warnings.warn("large", stacklevel=1)
    return x * (len(told) + 2)


def _made_an_error(x: Any, n: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        if n > 5:
            warnings.warn("large", stacklevel=1)
    return x * 2


def _heard(x: Any, n: Any) -> Any:
    heard: list[Any] = []
    handler = logging.Handler()
    handler.emit = heard.append  # type: ignore[method-assign]
    logger.addHandler(handler)
    if n > 5:
        logger.warning("large")
    logger.removeHandler(handler)
    return x * (len(heard) + 2)


def _redirected(x: Any, n: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        if n > 5:
            print("large")
    return x * (len(out.getvalue()) + 2)


TELLS = [
    _prints_a_write, _prints_an_item, _names_within, _own_print, _own_log,
    _own_class_of_loggers, _stored, _shown, _read, _printed_to, _raises_while_it_tells,
    _not_bound_yet, _oddly_told, _badly_told, _recorded, _made_an_error, _heard, _redirected,
]  # fmt: skip


@pytest.mark.parametrize("function", TELLS, ids=lambda f: f.__name__.strip("_"))
def test_what_changes_something_is_not_left_out(function: Function) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(function, EXAMPLE, decide=True)
    assert compare(function, "example") == ["example"]


def _plainly_told(x: Any, n: Any) -> Any:
    if n > 5:
        print("large:", n, x.shape, f"{x.sum().item():.3f}", sep=" ")
        logger.warning("%s of %s", len(x.shape), x.dtype)
        warnings.warn("n is {}".format(n), UserWarning, stacklevel=2)  # noqa: UP032
    if not n <= 8:
        logging.info("very large")
    return x * 2


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_only_tells_is_left_out() -> None:
    assert set(compare(_plainly_told, True, exactly=True)) == {"general"}


# --------------------------------------------------------------------------- texts


def _text_of_an_error(x: Any, n: Any) -> Any:
    try:
        raise ValueError(f"w{int(n)}")
    except ValueError as error:
        return x * {"w3": 5.0, "w2": 7.0}.get(str(error), 9.0)


def _text_in_a_call(x: Any, n: Any) -> Any:
    def print(text: str) -> str:
        return text

    return x * {"w3": 5.0, "w2": 7.0}.get(print(f"w{int(n)}"), 9.0)


def _text_that_is_asserted(x: Any, n: Any) -> Any:
    names = {"w3": 5.0, "w2": 7.0}
    assert f"w{int(n)}" in names
    return x * 2


@pytest.mark.parametrize(
    "function", [_text_of_an_error, _text_in_a_call, _text_that_is_asserted],
    ids=lambda f: f.__name__.strip("_"),
)  # fmt: skip
def test_a_text_that_somebody_reads_needs_the_number(function: Function) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(function, EXAMPLE, decide=True)
    assert "example" in compare(function, "example")
