"""Graph modules as JSON text, and back.

    {"format": "shapeproof-graph", "version": 1,
     "envs": [...], "modules": [{"kind": "graph", "nodes": [...], ...}, ...]}

Module 0 is the root; a module that several places share is stored once, and so is an
environment. Nodes stand in their order and refer to each other by name. Arguments are JSON
scalars, or one of `{"node": name}`, `{"tuple": [...]}`, `{"list": [...]}`,
`{"dict": [[key, value], ...]}`, `{"slice": [...]}`, `{"const": what the codec made}`.

Guarantees: `from_json(to_json(m, codec), codec)` is an equal module with the same names;
what cannot be saved is refused, never left out (for metadata, the codec decides); reading
runs nothing that the text names, and either returns a linted module or raises
SerializationError (damaged text) or GraphError (well-formed, but no graph).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from asserts.errors import GraphError
from asserts.graph.codec import BasicCodec, Codec, expect, expect_pair
from asserts.graph.fit import require_fit
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule, Module
from asserts.graph.node import MAX_NESTING, OPS
from shapes.base import (
    Schema,
    anything,
    either,
    fields,
    listed,
    mapping,
    nullable,
    read_document,
    text,
    whole,
)
from shapes.errors import SerializationError

__all__ = ["FORMAT", "VERSION", "BasicCodec", "Codec", "from_json", "to_json"]

FORMAT: Final = "shapeproof-graph"
VERSION: Final = 1

_NODE: Final = fields(
    optional=("args", "kwargs", "meta"),
    name=text,
    op=text,
    target=text,
    args=listed(anything),
    kwargs=mapping(anything),
    meta=mapping(anything),
)
_MODULES: Final = {
    "namespace": fields(kind=text, attributes=mapping(mapping(anything))),
    "graph": fields(
        kind=text,
        class_name=text,
        env=nullable(whole(0)),
        input_check=nullable(text),
        meta=mapping(anything),
        nodes=listed(_NODE),
        attributes=mapping(mapping(anything)),
    ),
}


def _kind_of(data: object) -> Schema | None:
    """The schema of a module of that kind."""
    kind = data.get("kind") if isinstance(data, dict) else None
    return _MODULES.get(kind) if isinstance(kind, str) else None


DOCUMENT: Final = fields(
    format=text,
    version=whole(),
    envs=listed(anything),
    modules=listed(either(_kind_of, "a module of kind graph or namespace")),
)
"""What a saved graph looks like; arguments, constants and metadata are read by the codec."""


def to_json(
    module: GraphModule, codec: Codec | None = None, *, indent: int | None = None
) -> str:
    """The module as text.

    Raises SerializationError for what the codec cannot save, and GraphError for a graph
    that does not lint.
    """
    document = _Writer(codec or BasicCodec()).document(module)
    try:
        return json.dumps(document, indent=indent, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SerializationError(f"the codec's data is not JSON: {error}") from error


def from_json(data: str, codec: Codec | None = None) -> GraphModule:
    """The module that `to_json` wrote.

    Raises SerializationError for damaged text, another format or version, and what the
    codec doesn't know; GraphError for nodes that don't form a graph.
    """
    document = DOCUMENT(read_document(data, FORMAT, VERSION), "")
    return _Reader(codec or BasicCodec()).module(document)


class _Writer:
    """Writes one document; modules and environments get numbers by identity."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._module_number: dict[int, int] = {}
        self._env_number: dict[int, int] = {}
        self._envs: list[object] = []

    def document(self, root: GraphModule) -> dict[str, object]:
        """The whole document. Raises SerializationError or GraphError."""
        modules = list(root._namespaces())
        self._module_number = {id(module): i for i, module in enumerate(modules)}
        for module in modules:
            if isinstance(module, GraphModule):
                module.graph.lint()
                self._add_env(module.shape_env)
        encoded = [self._module(module) for module in modules]
        return {
            "format": FORMAT,
            "version": VERSION,
            "envs": self._envs,
            "modules": encoded,
        }

    def _add_env(self, env: object) -> None:
        if env is not None and id(env) not in self._env_number:
            self._env_number[id(env)] = len(self._envs)
            self._envs.append(self._codec.encode_env(env))

    def _module(self, module: Module) -> dict[str, object]:
        if not isinstance(module, GraphModule):
            return {"kind": "namespace", "attributes": self._attributes(module)}
        check = module.input_check
        env = module.shape_env
        return {
            "kind": "graph",
            "class_name": module.class_name,
            "env": None if env is None else self._env_number[id(env)],
            "input_check": None if check is None else self._codec.encode_target(check),
            "meta": self._codec.encode_meta(module.meta),
            "nodes": [self._node(node) for node in module.graph.nodes],
            "attributes": self._attributes(module),
        }

    def _attributes(self, module: Module) -> dict[str, object]:
        encoded: dict[str, object] = {}
        for name, value in module.attributes.items():
            if isinstance(value, Module):
                encoded[name] = {"module": self._module_number[id(value)]}
                continue
            try:
                encoded[name] = {"const": self._codec.encode_constant(value)}
            except SerializationError as error:
                raise SerializationError(f"attribute '{name}': {error}") from error
        return encoded

    def _node(self, node: Node) -> dict[str, object]:
        try:
            target = node.target
            name = target if isinstance(target, str) else self._codec.encode_target(target)
            encoded: dict[str, object] = {"name": node.name, "op": node.op, "target": name}
            if node.args:
                encoded["args"] = [self._argument(a) for a in node.args]
            if node.kwargs:
                encoded["kwargs"] = {k: self._argument(a) for k, a in node.kwargs.items()}
            meta = self._codec.encode_meta(node.meta) if node.meta else None
        except SerializationError as error:
            raise SerializationError(f"node '{node.name}': {error}") from error
        if meta:
            encoded["meta"] = meta
        return encoded

    def _argument(self, a: object) -> object:
        """An argument; containers without a special type are walked here."""
        if isinstance(a, Node):
            return {"node": a.name}
        if type(a) is tuple:
            return {"tuple": [self._argument(item) for item in a]}
        if isinstance(a, list):
            return {"list": [self._argument(item) for item in a]}
        if isinstance(a, dict):
            pairs = a.items()
            return {"dict": [[self._constant(k), self._argument(v)] for k, v in pairs]}
        if isinstance(a, slice):
            return {"slice": [self._argument(x) for x in (a.start, a.stop, a.step)]}
        if isinstance(a, tuple) and _contains_node(a):
            raise SerializationError(f"a {type(a).__name__} of nodes cannot be saved")
        return self._constant(a)

    def _constant(self, value: object) -> object:
        data = self._codec.encode_constant(value)
        return {"const": data} if isinstance(data, (dict, list)) else data


def _contains_node(a: object) -> bool:
    if isinstance(a, (tuple, list)):
        return any(map(_contains_node, a))
    if isinstance(a, dict):
        return any(map(_contains_node, a.values()))
    return isinstance(a, Node)


class _Reader:
    """Reads one document; nothing of it gets out before all of it is read and linted."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._envs: list[object] = []
        self._modules: list[Module] = []

    def module(self, document: dict[str, Any]) -> GraphModule:
        """The root module. Raises SerializationError or GraphError."""
        self._envs = [self._env(*item) for item in enumerate(document["envs"])]
        entries = document["modules"]
        self._modules = [self._shell(entry) for entry in entries]
        root = self._modules[0] if self._modules else None
        if not isinstance(root, GraphModule):
            raise SerializationError("the first module should be one with a graph")
        for module, entry in zip(self._modules, entries):
            self._fill(module, entry)
        if len(list(root._namespaces())) != len(self._modules):
            raise SerializationError("a module is not reached from the first one")
        for nested in root.modules():
            nested.graph.lint()
        return root

    def _env(self, place: int, data: object) -> object:
        try:
            return self._codec.decode_env(data)
        except SerializationError as error:
            raise SerializationError(f"envs[{place}]: {error}") from error

    def _shell(self, entry: dict[str, Any]) -> Module:
        """The module without its attributes, which may be modules that come later."""
        if entry["kind"] == "namespace":
            return Module()
        graph = self._graph(entry["nodes"])
        module = GraphModule(None, graph, entry["class_name"])
        module.meta = self._codec.decode_meta(entry["meta"])
        if entry["env"] is not None:
            module.shape_env = _item(self._envs, entry["env"], "environment")
        if entry["input_check"] is not None:
            module.input_check = self._codec.decode_target(entry["input_check"])
        return module

    def _fill(self, module: Module, entry: dict[str, Any]) -> None:
        for name, content in entry["attributes"].items():
            if set(content) == {"module"}:
                number = content["module"]
                module._set_local(name, _item(self._modules, number, "module"))
            elif set(content) == {"const"}:
                module._set_local(name, self._codec.decode_constant(content["const"]))
            else:
                raise SerializationError(
                    f"attribute '{name}' is neither a module nor a constant"
                )

    # -- nodes ----------------------------------------------------------------------------

    def _graph(self, entries: list[dict[str, Any]]) -> Graph:
        known = {entry["name"] for entry in entries}
        graph = Graph()
        made: dict[str, Node] = {}
        for entry in entries:
            name = entry["name"]
            if name in made:
                raise GraphError(f"node '{name}': another node has the same name")
            try:
                made[name] = self._node(graph, name, entry, made, known)
            except SerializationError as error:
                raise SerializationError(f"node '{name}': {error}") from error
        return graph

    def _node(
        self,
        graph: Graph,
        name: str,
        entry: dict[str, Any],
        made: dict[str, Node],
        known: set[str],
    ) -> Node:
        op, target = entry["op"], entry["target"]
        if op not in OPS:
            raise GraphError(f"node '{name}': unknown op {op!r}")
        arguments = _Arguments(self._codec, name, made, known)
        args = [arguments.decode(a) for a in entry.get("args", ())]
        kwargs = {key: arguments.decode(a) for key, a in entry.get("kwargs", {}).items()}
        if op == "call_function":
            target = self._codec.decode_target(target)
            require_fit(target, args, kwargs)
        node = graph.create_node(op, target, args, kwargs, name)
        node.name = name
        if "meta" in entry:
            node.meta = self._codec.decode_meta(entry["meta"])
        return node


class _Arguments:
    """Reads the arguments of one node, which may use the nodes made so far."""

    def __init__(
        self, codec: Codec, user: str, made: dict[str, Node], known: set[str]
    ) -> None:
        self._codec = codec
        self._user = user
        self._made = made
        self._known = known

    def decode(self, data: object, depth: int = 0) -> object:
        """One argument. Raises SerializationError or GraphError."""
        if depth > MAX_NESTING:
            raise SerializationError(f"arguments nested more than {MAX_NESTING} deep")
        if not isinstance(data, dict):
            if isinstance(data, list):
                raise SerializationError(f"not an argument: a list of {len(data)} items")
            return self._codec.decode_constant(data)
        if len(data) != 1:
            raise SerializationError(f"not an argument: an object with {list(data)}")
        (kind, content), *_ = data.items()
        if kind == "const":
            return self._codec.decode_constant(content)
        if kind == "node":
            return self._input(expect(content, str, "a node's name"))
        if kind not in ("tuple", "list", "dict", "slice"):
            raise SerializationError(f"unknown kind of argument: {kind!r}")
        items = expect(content, list, f"the content of a {kind}")
        if kind == "dict":
            return self._dict(items, depth)
        decoded = [self.decode(item, depth + 1) for item in items]
        if kind == "slice":
            if len(decoded) != 3:
                raise SerializationError(f"a slice of {len(decoded)} parts")
            return slice(*decoded)
        return tuple(decoded) if kind == "tuple" else decoded

    def _dict(self, items: list[object], depth: int) -> dict[object, object]:
        decoded: dict[object, object] = {}
        for item in items:
            key, value = expect_pair(item)
            if isinstance(key, dict) and set(key) != {"const"}:
                raise SerializationError("the key of a dict should be a constant")
            try:
                decoded[self.decode(key, depth + 1)] = self.decode(value, depth + 1)
            except TypeError as error:
                raise SerializationError(f"not a key of a dict: {key!r}") from error
        return decoded

    def _input(self, name: str) -> Node:
        if name in self._made:
            return self._made[name]
        if name == self._user:
            raise GraphError(f"node '{name}' uses itself")
        if name in self._known:
            raise GraphError(
                f"node '{self._user}' uses '{name}' before its definition (a cycle)"
            )
        raise GraphError(f"node '{self._user}' uses '{name}', which is not in the graph")


def _item(items: Sequence[object], number: object, what: str) -> object:
    """The item with that number. Raises SerializationError if there is none."""
    index = expect(number, int, f"the number of a {what}")
    if not 0 <= index < len(items):
        raise SerializationError(f"there is no {what} {index}")
    return items[index]
