"""One node of a graph, and the walk over the structure of its arguments.

A node's arguments are tuples, lists, dicts and slices, nested, with nodes and constants as
leaves. They are frozen when they are set: the only way to change them is through the node,
which is how `users` (who uses me) and `all_input_nodes` (whom do I use) stay each other's
inverse. Names and meanings are those of `torch.fx`, so that a pass can be written once.

Guarantees: after every call `b in a.users` exactly when `a in b.all_input_nodes`; a call
that raises has changed nothing. Does not: check the order of definition and use, which is
broken and mended while a graph is rebuilt; `Graph.lint` checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from asserts.errors import GraphError

if TYPE_CHECKING:
    from asserts.graph.graph import Graph

__all__ = [
    "CALLS",
    "IMPURE",
    "OPS",
    "Argument",
    "ImmutableDict",
    "ImmutableList",
    "Node",
    "Target",
    "map_aggregate",
    "map_arg",
]

IMPURE: Final = "__shapeproof_impure__"
"""The attribute of functions and modules that says whether running them has an effect."""

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

Argument = object
"""A node, a constant, or a tuple, list, dict or slice of arguments."""

Target = Callable[..., Any] | str
"""A function for `call_function`, a name or a dotted path for everything else."""

OPS: Final = frozenset(
    ["placeholder", "get_attr", "call_function", "call_method", "call_module", "output"]
)
"""What a node can be."""

CALLS: Final = frozenset(["call_function", "call_method", "call_module"])
"""The nodes that compute something."""

MAX_NESTING: Final = 100
"""How deep arguments may nest; more is a list that contains itself, or damage."""

_ATOMS: Final = frozenset([int, float, bool, str, type(None)])


class ImmutableList(list[T]):
    """A list among a node's arguments; set the node's arguments to change it."""

    __slots__ = ()

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError(
            "a list among a node's arguments cannot be changed in place; "
            "make a new one and use node.args = ... or node.update_arg(...)"
        )

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = pop = remove = clear = sort = reverse = _refuse

    def __reduce__(self) -> tuple[type[list[T]], tuple[list[T]]]:
        return list, (list(self),)


class ImmutableDict(dict[K, V]):
    """A dict among a node's arguments; set the node's arguments to change it."""

    __slots__ = ()

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError(
            "a dict among a node's arguments cannot be changed in place; "
            "make a new one and use node.kwargs = ... or node.update_kwarg(...)"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self) -> tuple[type[dict[K, V]], tuple[dict[K, V]]]:
        return dict, (dict(self),)


def map_arg(a: Argument, fn: Callable[[Any], Argument]) -> Any:
    """`a` with every node in it replaced by `fn(node)`; lists and dicts come out new.

    Works for the nodes of fx as well.
    """
    return _rebuild(a, lambda leaf: fn(leaf) if _is_node(leaf) else leaf, False)


def _is_node(leaf: Argument) -> bool:
    if isinstance(leaf, Node):
        return True
    return type(leaf) not in _ATOMS and hasattr(type(leaf), "all_input_nodes")


def map_aggregate(a: Argument, fn: Callable[[Argument], Argument]) -> Any:
    """`a` with every leaf, node or constant, replaced by `fn(leaf)`."""
    return _rebuild(a, fn, False)


def _rebuild(
    a: Argument, leaf: Callable[[Argument], Argument], frozen: bool, depth: int = 0
) -> Argument:
    """The same structure with other leaves; lists and dicts immutable if `frozen`.

    A tuple without a change comes back as the same object. Raises GraphError when the
    nesting is deeper than MAX_NESTING or a key of a dict is a node.
    """
    if isinstance(a, Node) or type(a) in _ATOMS:
        return leaf(a)
    if depth > MAX_NESTING:
        raise GraphError(f"arguments nested more than {MAX_NESTING} deep")
    if isinstance(a, tuple):
        return _rebuilt_tuple(a, [_rebuild(x, leaf, frozen, depth + 1) for x in a])
    if isinstance(a, list):
        items = [_rebuild(x, leaf, frozen, depth + 1) for x in a]
        return ImmutableList(items) if frozen else items
    if isinstance(a, dict):
        for key in a:
            _refuse_node_inside(key, "a key of a dict")
        entries = {k: _rebuild(v, leaf, frozen, depth + 1) for k, v in a.items()}
        return ImmutableDict(entries) if frozen else entries
    if isinstance(a, slice):
        parts = (a.start, a.stop, a.step)
        return slice(*(_rebuild(x, leaf, frozen, depth + 1) for x in parts))
    if isinstance(a, (set, frozenset)):
        _refuse_node_inside(tuple(a), "a member of a set")
    return leaf(a)


def _rebuilt_tuple(a: tuple[object, ...], items: list[object]) -> object:
    if all(new is old for new, old in zip(items, a)):
        return a
    make: Callable[..., object] = type(a)
    return make(*items) if hasattr(a, "_fields") else tuple(items)


def _refuse_node_inside(a: object, place: str) -> None:
    if isinstance(a, Node):
        raise GraphError(f"node '{a.name}' cannot be {place} among a node's arguments")
    if isinstance(a, tuple):
        for item in a:
            _refuse_node_inside(item, place)


class Node:
    """One step of a graph; made by the graph's methods, never directly by a pass.

    `op` says what it is, `target` what it calls or names, `args` and `kwargs` what goes in.
    `users` holds the nodes that use its result, in the order in which they came. `meta` is
    free; by convention `val` is the (symbolic) value, `stack_trace` the user's line and
    `impure` is true for what must not be dropped.
    """

    __slots__ = (
        "__weakref__",
        "_args",
        "_erased",
        "_inputs",
        "_kwargs",
        "_name",
        "_next",
        "_prev",
        "_tag",
        "graph",
        "meta",
        "op",
        "target",
        "users",
    )

    _args: tuple[Argument, ...]
    _kwargs: dict[str, Argument]

    def __init__(
        self,
        graph: Graph,
        name: str,
        op: str,
        target: Target,
        args: Iterable[Argument] = (),
        kwargs: Mapping[str, Argument] | None = None,
    ) -> None:
        self.graph = graph
        self.op = op
        self.target = target
        self.users: dict[Node, None] = {}
        self.meta: dict[str, Any] = {}
        self._name = name
        self._prev = self._next = self
        self._tag = 0
        self._erased = False
        self._inputs: dict[Node, None] = {}
        self._args, self._kwargs = (), ImmutableDict()
        self._set_arguments(tuple(args), kwargs or {})

    # -- identity and position ------------------------------------------------------------

    @property
    def name(self) -> str:
        """A valid identifier, unique in the graph, never a keyword or a builtin's name."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self.graph._names.take(name)
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __copy__(self) -> NoReturn:
        raise GraphError(f"node '{self._name}' is copied with its graph, or by node_copy")

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__copy__()

    @property
    def next(self) -> Node:
        """The node behind this one; behind the last one comes the graph's root marker."""
        return self._next

    @property
    def prev(self) -> Node:
        """The node before this one; before the first one comes the graph's root marker."""
        return self._prev

    def __lt__(self, other: Node) -> bool:
        """Whether this node comes before the other one, in constant time."""
        self._require_comparable(other)
        return self._tag < other._tag

    def __gt__(self, other: Node) -> bool:
        self._require_comparable(other)
        return self._tag > other._tag

    def __le__(self, other: Node) -> bool:
        return not self > other

    def __ge__(self, other: Node) -> bool:
        return not self < other

    def _require_comparable(self, other: Node) -> None:
        self._require_same_graph(other)
        for node in (self, other):
            if node.op == "root":
                raise GraphError("the root marker of a graph has no position")
            if node._erased:
                raise GraphError(f"node '{node._name}' was erased and has no position")

    def _require_same_graph(self, other: Node) -> None:
        if other.graph is not self.graph:
            raise GraphError(
                f"node '{other._name}' belongs to another graph than '{self._name}'"
            )

    def append(self, node: Node) -> None:
        """Move `node` right behind this one. Raises GraphError for another graph's node."""
        self.graph._move(node, self, self._next)

    def prepend(self, node: Node) -> None:
        """Move `node` right before this one. Raises GraphError for another graph's node."""
        self.graph._move(node, self._prev, self)

    # -- arguments ------------------------------------------------------------------------

    @property
    def args(self) -> tuple[Argument, ...]:
        """The positional arguments; assign a tuple to change them."""
        return self._args

    @args.setter
    def args(self, args: Iterable[Argument]) -> None:
        self._set_arguments(tuple(args), self._kwargs)

    @property
    def kwargs(self) -> dict[str, Argument]:
        """The keyword arguments (immutable); assign a dict to change them."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, kwargs: Mapping[str, Argument]) -> None:
        self._set_arguments(self._args, kwargs)

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes among the arguments, each once, in the order of their first use."""
        return list(self._inputs)

    def _set_arguments(
        self, args: tuple[Argument, ...], kwargs: Mapping[str, Argument]
    ) -> None:
        """Freeze the arguments and bring both sides' bookkeeping in step, or raise."""
        inputs: dict[Node, None] = {}

        def collect(leaf: Argument) -> Argument:
            if isinstance(leaf, Node):
                self._require_usable(leaf)
                inputs[leaf] = None
            elif type(leaf) not in _ATOMS:
                self._require_constant(leaf)
            return leaf

        new_args = _rebuild(args, collect, True)
        new_kwargs = _rebuild(dict(kwargs), collect, True) if kwargs else ImmutableDict()
        assert isinstance(new_args, tuple)
        assert isinstance(new_kwargs, dict)
        self._args, self._kwargs = new_args, new_kwargs
        for old in self._inputs:
            if old not in inputs:
                old.users.pop(self, None)
        for new in inputs:
            new.users.setdefault(self)
        self._inputs = inputs
        self.graph._changed()

    def _require_usable(self, node: Node) -> None:
        self._require_same_graph(node)
        if node.op == "root":
            raise GraphError("the root marker of a graph cannot be used as a value")
        if node._erased:
            raise GraphError(
                f"node '{node._name}' was erased and cannot be an input of '{self._name}'"
            )

    def _require_constant(self, leaf: Argument) -> None:
        """Refuse what copies, effects and files would miss if it passed for a constant."""
        if _is_node(leaf):
            raise GraphError(f"node '{self._name}' cannot use {leaf!r}: another kind of node")
        if hasattr(type(leaf), "named_modules"):
            raise GraphError(
                f"node '{self._name}' cannot have a module among its arguments; make it an "
                f"attribute of the owning module and use get_attr"
            )

    def update_arg(self, idx: int, arg: Argument) -> None:
        """Put `arg` at a position of `args`. Raises GraphError if there is no such one."""
        args = list(self._args)
        if not -len(args) <= idx < len(args):
            raise GraphError(f"node '{self._name}' has {len(args)} arguments, none at {idx}")
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Argument) -> None:
        """Put `arg` before a position of `args` (from 0 to their number)."""
        if not 0 <= idx <= len(self._args):
            raise GraphError(f"node '{self._name}': no position {idx} for an argument")
        self.args = (*self._args[:idx], arg, *self._args[idx:])

    def update_kwarg(self, key: str, arg: Argument) -> None:
        """Set one keyword argument, new or known."""
        self.kwargs = {**self._kwargs, key: arg}

    # -- uses -----------------------------------------------------------------------------

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Use `new_input` wherever this node used `old_input`."""

        def swap(node: Node) -> Argument:
            return new_input if node is old_input else node

        args, kwargs = map_arg(self._args, swap), map_arg(self._kwargs, swap)
        self._set_arguments(args, kwargs)

    def replace_all_uses_with(
        self,
        replace_with: Node,
        delete_user_cb: Callable[[Node], bool] | None = None,
        *,
        propagate_meta: bool = False,
    ) -> list[Node]:
        """Make the users of this node use another one; returns the users it had.

        `delete_user_cb(user)` says for which users (all by default); a replacement that
        itself uses this node is to be left out that way. With `propagate_meta` the
        replacement, whose meta must be empty, gets a copy of this node's. Raises
        GraphError if it isn't, or if the replacement is not in this graph.
        """
        self._require_usable(replace_with)
        if propagate_meta:
            if replace_with.meta:
                raise GraphError(
                    f"node '{replace_with._name}' has metadata already "
                    f"({', '.join(map(str, replace_with.meta))}); it would be overwritten"
                )
            replace_with.meta.update(self.meta)
        users = list(self.users)
        for user in users:
            if delete_user_cb is None or delete_user_cb(user):
                user.replace_input_with(self, replace_with)
        return users

    # -- questions ------------------------------------------------------------------------

    @property
    def stack_trace(self) -> str | None:
        """The user's lines that made this node (`meta["stack_trace"]`), if known."""
        trace = self.meta.get("stack_trace")
        return trace if isinstance(trace, str) else None

    def is_impure(self) -> bool:
        """Whether dropping this node could change what a run does, its result unused.

        Placeholders and outputs; what `meta["impure"]` or the function's attribute
        `__shapeproof_impure__` declares; a call of, or with, a module that contains such a
        node; a call of something that cannot be looked into.
        """
        return self.graph._purity().is_impure(self)

    def format_node(self) -> str:
        """This node as a line of readable text."""
        from asserts.graph.printing import format_node

        return format_node(self)
