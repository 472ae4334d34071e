"""Graph modules whose Python code is made when it is used.

To write and compile the code of a long graph takes longer than to insert its asserts, and
a caller inside torch does it again afterwards. So a pass only marks a module:
its code is made when the module is called, or its code is read, unless a caller recompiles
it before.
"""

from __future__ import annotations

from typing import Any, Final

from torch import fx
from torch.fx._lazy_graph_module import _LazyGraphModule

__all__ = ["recompile_when_used"]


def recompile_when_used(module: fx.GraphModule) -> None:
    """Let the code of a changed module, and of those nested in it, be made again later."""
    if isinstance(module, _LazyGraphModule):
        module.recompile()
        return
    for child in module.children():
        if isinstance(child, fx.GraphModule):
            recompile_when_used(child)
    # Every graph module has a class of its own, which `recompile` writes to as well.
    kind = type(module)
    kind.forward = _forward
    for name, stand_in in _STAND_INS.items():
        setattr(kind, name, stand_in)


def _forward(self: Any, *args: Any, **kwargs: Any) -> Any:
    self.recompile()
    return type(self).forward(self, *args, **kwargs)


def _code(self: Any) -> str:
    self.recompile()
    return str(self._code)


def _coded(self: Any, code: str) -> None:
    """`recompile` has made the code: what stood in for it goes."""
    for name in _STAND_INS:
        delattr(type(self), name)
    self._code = code


def _reduce(self: Any) -> Any:
    self.recompile()
    return self.__reduce__()


def _reduce_package(self: Any, exporter: Any) -> Any:
    self.recompile()
    return self.__reduce_package__(exporter)


_STAND_INS: Final[dict[str, Any]] = {
    "_code": property(_code, _coded),
    "__reduce__": _reduce,
    "__reduce_package__": _reduce_package,
}
"""What reads a module's code: the code itself, and pickling."""
