"""Graphs that run: a graph with its nested modules and constants.

A Module is a namespace of attributes, addressed by dotted paths as in `torch.nn`; a
GraphModule is one with a graph that it executes when it is called. The interpreter walks
over the list once, frees every value after its last use, and doesn't recurse along the
graph (a nested module is a Python call, so nesting is bounded by Python's stack).

Guarantees: inputs are bound completely or an InputError says why not, before anything runs;
a RuntimeAssertionError reaches the caller untouched, any other exception with a note that
names the node and the user's line; a copy shares no node and no module with its original.
Does not: check what the graph computes; `graph.lint()` checks its form.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from asserts.errors import GraphError, InputError, RuntimeAssertionError
from asserts.graph.graph import Graph, Node, map_arg
from asserts.graph.structure import STRUCTURE, is_structured, taken_apart
from shapes.base import shown_as_text

__all__ = ["KEPT_META", "GraphModule", "InputCheck", "Module", "attribute_at"]

_NO_DEFAULT: Final = object()

KEPT_META: Final = ("stack_trace", "nn_module_stack", "custom")
"""The metadata that a node takes over from another which it stands for, or beside."""


def attribute_at(module: object, path: object) -> Any:
    """What a dotted path names in a module of any framework; None for nothing."""
    for part in str(path).split("."):
        module = getattr(module, part, None)
    return module


class Module:
    """A namespace of constants and nested modules, addressed by dotted paths.

    `module.name` reads an attribute, `module.name = value` sets one; the methods take
    paths. Modules that a path needs on its way are made when something is set.
    """

    _attributes: dict[str, object]
    _fields: ClassVar[frozenset[str]] = frozenset(["_attributes"])

    def __init__(self) -> None:
        self._attributes = {}

    # -- attributes -----------------------------------------------------------------------

    def __getattr__(self, name: str) -> object:
        attributes = self.__dict__.get("_attributes", {})
        if name in attributes:
            return attributes[name]
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")

    def __setattr__(self, name: str, value: object) -> None:
        if name in self._fields:
            object.__setattr__(self, name, value)
        else:
            self._set_local(name, value)

    def __delattr__(self, name: str) -> None:
        if name not in self._attributes:
            raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")
        del self._attributes[name]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._attributes})

    def _set_local(self, name: str, value: object) -> None:
        if not name or "." in name:
            raise GraphError(f"{name!r} is not the name of an attribute")
        if name in self._fields or hasattr(type(self), name):
            raise GraphError(f"'{name}' is taken by {type(self).__name__} itself")
        if isinstance(value, Module) and any(m is self for m in value._namespaces()):
            raise GraphError(f"a module cannot contain itself (attribute '{name}')")
        self._attributes[name] = value

    @property
    def attributes(self) -> dict[str, object]:
        """A copy of the local table of attributes, constants and modules."""
        return dict(self._attributes)

    def find_attr(self, path: str, default: object = None) -> object:
        """The attribute at a dotted path, or the default where there is none."""
        found: object = self
        for part in path.split("."):
            if not isinstance(found, Module) or part not in found._attributes:
                return default
            found = found._attributes[part]
        return found

    def get_attr(self, path: str) -> object:
        """The attribute at a dotted path. Raises GraphError if there is none."""
        found = self.find_attr(path, _NO_DEFAULT)
        if found is _NO_DEFAULT:
            known = ", ".join(f"'{name}'" for name in self._attributes) or "none"
            raise GraphError(f"the module has no attribute '{path}' (it has {known})")
        return found

    def set_attr(self, path: str, value: object) -> None:
        """Set the attribute at a dotted path, making the modules on its way.

        Raises GraphError where the path leads through a constant, or the value is a module
        that contains this one.
        """
        *parents, name = path.split(".")
        on_the_way: list[Module] = [self]
        for part in parents:
            child = on_the_way[-1]._attributes.get(part)
            if child is None:
                break
            if not isinstance(child, Module):
                raise GraphError(f"'{path}' leads through '{part}', which is not a module")
            on_the_way.append(child)
        if isinstance(value, Module):
            inside = set(map(id, value._namespaces()))
            if any(id(parent) in inside for parent in on_the_way):
                raise GraphError(f"a module cannot contain itself (attribute '{path}')")
        module = on_the_way[-1]
        for part in parents[len(on_the_way) - 1 :]:
            made = Module()
            module._set_local(part, made)
            module = made
        module._set_local(name, value)

    def del_attr(self, path: str) -> None:
        """Delete the attribute at a dotted path. Raises GraphError if there is none."""
        self.get_attr(path)
        parent, _, name = path.rpartition(".")
        del self.get_submodule(parent)._attributes[name]

    # -- nested modules -------------------------------------------------------------------

    def add_submodule(self, path: str, module: Module) -> bool:
        """Set a nested module at a dotted path; returns True."""
        if not isinstance(module, Module):
            raise GraphError(f"'{path}': {type(module).__name__} is not a module")
        self.set_attr(path, module)
        return True

    def get_submodule(self, path: str) -> Module:
        """The module at a dotted path ("" is this one). Raises GraphError if none."""
        found = self.get_attr(path) if path else self
        if not isinstance(found, Module):
            raise GraphError(f"'{path}' is a {type(found).__name__}, not a module")
        return found

    def get_graph_module(self, path: str) -> GraphModule:
        """The same for a module with a graph."""
        found = self.get_submodule(path)
        if not isinstance(found, GraphModule):
            raise GraphError(f"the module at '{path}' has no graph")
        return found

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules among the attributes, by name."""
        for name, value in self._attributes.items():
            if isinstance(value, Module):
                yield name, value

    def _named_namespaces(self) -> Iterator[tuple[str, Module]]:
        """Every module with its first path, parents first, each once."""
        seen: set[int] = {id(self)}
        pending: list[tuple[str, Module]] = [("", self)]
        while pending:
            path, module = pending.pop()
            yield path, module
            children = []
            for name, child in module.named_children():
                if id(child) not in seen:
                    seen.add(id(child))
                    children.append((f"{path}.{name}" if path else name, child))
            pending += reversed(children)

    def _namespaces(self) -> Iterator[Module]:
        return (module for _, module in self._named_namespaces())

    def named_modules(self) -> Iterator[tuple[str, GraphModule]]:
        """The modules with a graph and their paths, this one ("") first, each once."""
        for path, module in list(self._named_namespaces()):
            if isinstance(module, GraphModule):
                yield path, module

    def modules(self) -> Iterator[GraphModule]:
        """The modules with a graph, this one first, parents before children, each once."""
        return (module for _, module in self.named_modules())

    # -- copies ---------------------------------------------------------------------------

    def copy(self) -> Module:
        """A copy with copies of all nested modules; constants are shared."""
        return _copied(self, {})

    def __copy__(self) -> Module:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, object]) -> Module:
        return _copied(self, memo)

    def _copied_shell(self) -> Module:
        """A copy of everything but the attributes."""
        return Module()


InputCheck = Callable[["GraphModule", tuple[Any, ...]], "tuple[Any, ...] | None"]
"""What is run on the bound inputs before the graph is; it raises if they won't do, and may
return others that stand for them."""


class GraphModule(Module):
    """A graph, what its `get_attr` and `call_module` nodes name, and how to run it.

    `root` gives the attributes (a module's, shared; or a dict of paths), as in fx. `meta` is
    free, `shape_env` the environment of the graph's symbols if it has one, `input_check` is
    called on the bound inputs before every run.
    """

    class_name: str
    meta: dict[str, Any]
    shape_env: object | None
    input_check: InputCheck | None
    _graph: Graph
    _plan: tuple[int, list[tuple[Node, tuple[Node, ...]]]] | None
    _fields: ClassVar[frozenset[str]] = Module._fields | {
        "_graph",
        "_plan",
        "class_name",
        "graph",
        "input_check",
        "meta",
        "shape_env",
    }

    def __init__(
        self,
        root: Module | Mapping[str, object] | None = None,
        graph: Graph | None = None,
        class_name: str = "GraphModule",
    ) -> None:
        super().__init__()
        self.class_name = class_name
        self.meta = {}
        self.shape_env = None
        self.input_check = None
        self.graph = Graph() if graph is None else graph
        attributes = root.attributes if isinstance(root, Module) else root or {}
        for path, value in attributes.items():
            self.set_attr(path, value)

    @property
    def graph(self) -> Graph:
        """The graph; setting another one makes this module its owner."""
        return self._graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        if not isinstance(graph, Graph):
            raise GraphError(f"a GraphModule needs a Graph, not a {type(graph).__name__}")
        self._graph = graph
        graph.owning_module = self
        self._plan = None

    def copy(self) -> GraphModule:
        """An independent module with the same names: nodes and nested modules are copied.

        Every `meta` is copied shallowly; constants, `shape_env` and `input_check` are
        shared. A nested module with two places stays one module.
        """
        copied = _copied(self, {})
        assert isinstance(copied, GraphModule)
        return copied

    def _copied_shell(self) -> GraphModule:
        made = GraphModule(None, self.graph.copy(), self.class_name)
        made.meta = dict(self.meta)
        made.shape_env = self.shape_env
        made.input_check = self.input_check
        return made

    # -- text -----------------------------------------------------------------------------

    def recompile(self) -> None:
        """Forget the execution plan. Changes made through nodes do that by themselves."""
        self._plan = None

    @property
    def code(self) -> str:
        """The graph as readable, Python-like text, without nested graphs."""
        from asserts.graph.printing import format_graph

        return format_graph(self.graph)

    def print_readable(self, print_output: bool = True) -> str:
        """The whole module as readable text, nested graphs and values included."""
        from asserts.graph.printing import format_module

        text = format_module(self)
        if print_output:
            sys.stdout.write(text + "\n")
        return text

    def draw(self, report: Any = None) -> Any:
        """The graph as a picture (SVG) that notebooks show; see `asserts.draw`."""
        from asserts.drawing import draw

        return draw(self, report)

    def __str__(self) -> str:
        return self.print_readable(print_output=False)

    _repr_pretty_ = shown_as_text

    def __repr__(self) -> str:
        return f"<{self.class_name} with {len(self.graph.nodes)} nodes>"

    def delete_all_unused_submodules(self) -> None:
        """Take away nested modules that no node of this graph names (or passes through)."""
        used: set[int] = set()
        for node in self.graph.nodes:
            if node.op in ("get_attr", "call_module"):
                used |= set(map(id, self._along(str(node.target))))
        pending: list[Module] = [self]
        while pending:
            module = pending.pop()
            for name, child in list(module.named_children()):
                if id(child) not in used:
                    del module._attributes[name]
                elif not isinstance(child, GraphModule):
                    pending.append(child)

    def _along(self, path: str) -> list[Module]:
        """The modules on a path, its end included."""
        parts = path.split(".")
        ends = (".".join(parts[: i + 1]) for i in range(len(parts)))
        found = (self.find_attr(end) for end in ends)
        return [module for module in found if isinstance(module, Module)]

    # -- execution ------------------------------------------------------------------------

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Run the graph.

        Where the traced function takes lists, tuples, dicts or records of arrays, so does the
        graph (or the arrays one by one). Raises InputError for inputs that don't fit the
        placeholders, what `input_check` raises, GraphError if there is no output, and
        whatever a node's function raises.
        """
        placeholders = [node for node in self.graph.nodes if node.op == "placeholder"]
        args, kwargs = self.taken_apart(args, kwargs)
        values = _bind(placeholders, args, kwargs)
        if self.input_check is not None:
            accepted = self.input_check(self, values)
            values = values if accepted is None else accepted
        return self._run(dict(zip(placeholders, values)))

    def taken_apart(
        self, args: tuple[object, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The inputs one by one, if they are given in the structure that the traced function
        takes. Raises InputError for what doesn't fit."""
        structure = self.meta.get(STRUCTURE)
        if structure is None or not any(map(is_structured, (*args, *kwargs.values()))):
            return args, kwargs
        return (), taken_apart(structure, args, kwargs)

    def _run(self, env: dict[Node, Any]) -> Any:
        for node, dead in self._execution_plan():
            if node.op == "output":
                return map_arg(node.args[0], env.__getitem__)
            if node.op != "placeholder":
                env[node] = self._run_node(node, env)
            for source in dead:
                del env[source]
        raise GraphError("the graph has no output")

    def _run_node(self, node: Node, env: dict[Node, Any]) -> Any:
        try:
            args = map_arg(node.args, env.__getitem__)
            kwargs = map_arg(dict(node.kwargs), env.__getitem__)
            return self._execute(node, args, kwargs)
        except RuntimeAssertionError:
            raise
        except Exception as error:
            _add_note(error, _where(node))
            raise

    def _execute(self, node: Node, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
        target = node.target
        if node.op == "call_function" and callable(target):
            return target(*args, **kwargs)
        if node.op == "call_method" and args:
            return getattr(args[0], str(target))(*args[1:], **kwargs)
        if node.op == "get_attr":
            return self.get_attr(str(target))
        if node.op == "call_module":
            module = self.get_attr(str(target))
            if callable(module):
                return module(*args, **kwargs)
        raise GraphError(f"node '{node.name}' ({node.op} of {target!r}) cannot be executed")

    def _execution_plan(self) -> list[tuple[Node, tuple[Node, ...]]]:
        """The nodes in order, each with those whose values are dead behind it.

        Kept until the graph changes; a plan holds nothing but the graph's own nodes.
        """
        version = self.graph._version
        if self._plan is not None and self._plan[0] == version:
            return self._plan[1]
        needed: set[Node] = set()
        steps: list[tuple[Node, tuple[Node, ...]]] = []
        for node in reversed(self.graph.nodes):
            dead = [source for source in node._inputs if source not in needed]
            needed.update(dead)
            if node not in needed:
                dead.append(node)
            steps.append((node, tuple(dead)))
        steps.reverse()
        self._plan = (version, steps)
        return steps


def _copied(module: Module, memo: dict[int, object]) -> Module:
    """A copy of a module and of everything nested in it; `memo` is deepcopy's."""
    originals = list(module._namespaces())
    for original in originals:
        if id(original) not in memo:
            memo[id(original)] = original._copied_shell()
    for original in originals:
        shell = memo[id(original)]
        assert isinstance(shell, Module)
        for name, value in original._attributes.items():
            shell._attributes[name] = memo[id(value)] if isinstance(value, Module) else value
    copied = memo[id(module)]
    assert isinstance(copied, Module)
    return copied


def _parameter_names(placeholders: Sequence[Node]) -> dict[str, Node]:
    """What each placeholder can be called: its target, and its name where that is free."""
    by_name = {node.name: node for node in placeholders}
    by_target: dict[str, Node] = {}
    ambiguous: set[str] = set()
    for node in placeholders:
        target = str(node.target)
        if target in by_target:
            ambiguous.add(target)
        by_target[target] = node
    return by_name | {t: node for t, node in by_target.items() if t not in ambiguous}


def _bind(
    placeholders: Sequence[Node], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[Any, ...]:
    """The value of every placeholder. Raises InputError for what doesn't fit."""
    shown = ", ".join(str(node.target) for node in placeholders) or "none"
    if len(args) > len(placeholders):
        raise InputError(
            f"{len(args)} positional inputs given, but the graph has "
            f"{len(placeholders)} parameters: {shown}"
        )
    bound: dict[Node, Any] = dict(zip(placeholders, args))
    names = _parameter_names(placeholders)
    for name, value in kwargs.items():
        node = names.get(name)
        if node is None:
            raise InputError(f"unknown input '{name}'; the graph's parameters are: {shown}")
        if node in bound:
            raise InputError(f"input '{node.target}' is given twice")
        bound[node] = value
    missing = [str(n.target) for n in placeholders if n not in bound and not n.args]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise InputError(
            f"missing input{plural} {', '.join(map(repr, missing))}; the graph's parameters "
            f"are: {shown}"
        )
    return tuple(
        bound[node] if node in bound else map_arg(node.args[0], lambda leaf: leaf)
        for node in placeholders
    )


def _where(node: Node) -> str:
    from asserts.graph.printing import user_line

    line = user_line(node)
    origin = f"\n  from {line}" if line else ""
    return f"while executing node '{node.name}': {node.format_node()}{origin}"


def _add_note(error: Exception, note: str) -> None:
    """`add_note`, which Python 3.10 has not, though tools read the notes there too."""
    notes = getattr(error, "__notes__", None)
    try:
        error.__notes__ = [*(notes or []), note]  # type: ignore[attr-defined]
    except Exception:
        return  # an exception that takes no attributes goes on without the note
