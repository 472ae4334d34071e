"""torch's programs while a pass works on them, and a valid program around the result.

An `ExportedProgram` names the inputs and outputs of its graph in a signature, and keeps those
of submodules whose signatures are preserved. A pass may replace a node that is named there,
add a token to the outputs, or turn constants into others; what stands around the graph is
brought up to date here, and torch's own verifier has the last word.

A token is an output that exists for the order of effects alone. torch's runtime only takes
tokens away that come in pairs with an input, and only from its "ATEN" dialect; so a program
with a token of ours says that it is of the dialect "TRAINING" (which allows all of the other
and more), and returns ``(token, result)``. The inverse puts the dialect back.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import fx
from torch._export.verifier import SpecViolationError, TrainingIRVerifier
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    ConstantArgument,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    SymBoolArgument,
    SymFloatArgument,
    SymIntArgument,
    TensorArgument,
    TokenArgument,
)
from torch.utils import _pytree as pytree

from asserts.conditions.report import Report
from asserts.dialects.hosts import ModuleAdapter
from asserts.dialects.interfaces import TOKENS
from asserts.dialects.torch.answers.graph import TorchDialect, copied
from asserts.dialects.torch.answers.guards import keep_guards
from asserts.dialects.torch.answers.names import source_names
from asserts.dialects.torch.export.programs import dialect_for
from asserts.dialects.torch.export.report import report as report_of
from asserts.errors import GraphError
from asserts.passes.discharge import Policy

__all__ = ["ExportedAdapter", "TorchAdapter", "adapter_of"]

_VERIFIERS: Final = "verifiers_before_tokens"
"""The metadata in which a program with a token keeps the verifiers that it had before."""


def adapter_of(
    program: object, copy: bool, check_guards: bool = True
) -> TorchAdapter | None:
    """The adapter of one of torch's programs; None for anything else. Without `check_guards`
    nothing rests on the guards of an exported program."""
    if isinstance(program, ExportedProgram):
        return ExportedAdapter(program, copy, check_guards)
    return TorchAdapter(program, copy) if isinstance(program, fx.GraphModule) else None


class TorchAdapter(ModuleAdapter):
    """A graph module, with nothing around it."""

    dialect: TorchDialect

    def __init__(self, program: Any, copy: bool, check_guards: bool = True) -> None:
        whole = isinstance(program, ExportedProgram)
        module = program.graph_module if whole else program
        module = copied(module) if copy else module
        super().__init__(dialect_for(program, module, check_guards), module)
        self.given = program

    def report(self, policy: Policy, effort: str) -> Report:
        return report_of(self.given, self.graph_module, self.dialect, policy, effort)


class ExportedAdapter(TorchAdapter):
    """An exported program: a graph module with a signature around it."""

    def __init__(
        self, program: ExportedProgram, copy: bool = True, check_guards: bool = True
    ) -> None:
        super().__init__(program, copy, check_guards)
        self._program = program
        self._had_token = _returns_token(program)
        if self._had_token and TOKENS not in self.graph_module.meta:
            # (What torch saves of a program leaves the graph's own metadata out.)
            self.graph_module.meta[TOKENS] = {"output": "first", "result": "first"}
        self._renamed: dict[str, str] = {}
        if copy:
            self.graph_module._register_replace_node_hook(self._note)

    def state_checks(self) -> bool:
        """(torch also traces for itself, and keeps checks on symbols of graphs it dropped.)"""
        self.dialect.symbols.state_checks()
        return True

    def names(self) -> Mapping[str, str]:
        return source_names(self._program, self.graph_module, self.dialect)

    def _note(self, old: Any, new: str, user: Any) -> None:
        self._renamed[old.name] = new

    # ------------------------------------------------------------------ around the result

    def finished(self, functional: bool = True) -> ExportedProgram:
        module = self.graph_module
        module._unregister_replace_node_hook(self._note)
        super().finished(functional)
        program = self._program
        signature = copy.deepcopy(program.graph_signature)
        calls = copy.deepcopy(program.module_call_graph)
        self._name_inputs(signature)
        self._name_outputs(signature, calls)
        self._name_calls(calls)
        calls = self.dialect.tracepoints.recorded_calls(calls, module)
        verifiers = self._verifiers() if functional else [TrainingIRVerifier]
        if verifiers[0].dialect != "TRAINING":
            self._refuse_writers()
        try:
            made = ExportedProgram(
                root=module,
                graph=module.graph,
                graph_signature=signature,
                state_dict=program.state_dict,
                range_constraints=copy.deepcopy(program.range_constraints),
                module_call_graph=calls,
                example_inputs=program.example_inputs,
                constants=self._constants(signature),
                verifiers=verifiers,
            )
        except (SpecViolationError, RuntimeError, AssertionError) as error:
            raise GraphError(f"torch does not accept it: {error}") from error
        return keep_guards(program, made)

    def _refuse_writers(self) -> None:
        for module in self.dialect.modules(self.graph_module):
            for node in module.graph.nodes:
                is_operator = isinstance(node.target, torch._ops.OpOverload)
                if is_operator and node.target._schema.is_mutable:
                    raise GraphError(
                        f"node '{node.name}' writes in place, but the program is functional"
                    )

    def _name_inputs(self, signature: Any) -> None:
        """Specifications in the order of the placeholders, with those of new constants."""
        known = {spec.arg.name: spec for spec in signature.input_specs}
        specs = []
        for node in self.graph_module.graph.find_nodes(op="placeholder"):
            spec = known.pop(node.name, None)
            if spec is None:
                target = self.dialect.signature.constants.get(node.name)
                if target is None:
                    raise GraphError(f"node '{node.name}' is an input without a specification")
                argument = TensorArgument(node.name)
                spec = InputSpec(InputKind.CONSTANT_TENSOR, argument, target)
            specs.append(spec)
        for name, spec in known.items():
            if spec.kind is not InputKind.CONSTANT_TENSOR:
                raise GraphError(f"the input '{name}' is gone")
        signature.input_specs = specs

    def _constants(self, signature: Any) -> dict[str, Any]:
        """The constants that come with the program: without those that no input names any
        more, with those that a pass has added."""
        kind = InputKind.CONSTANT_TENSOR
        before = self._program.graph_signature.input_specs
        named = {spec.target for spec in signature.input_specs if spec.kind is kind}
        gone = {spec.target for spec in before if spec.kind is kind} - named
        added = self.dialect.signature.added
        known = {**self._program.constants, **added}
        return {
            name: value for name, value in known.items()
            if name not in gone and (name not in added or name in named)
        }  # fmt: skip

    def _name_outputs(self, signature: Any, calls: Any) -> None:
        """Names of what is returned now, place by place; the token comes or goes."""
        returned = list(_output(self.graph_module).args[0])
        specs = list(signature.output_specs)
        has_token = TOKENS in self.graph_module.meta
        if self._had_token and not has_token:
            del specs[0]
        if has_token and not self._had_token:
            specs.insert(0, OutputSpec(OutputKind.TOKEN, TokenArgument(""), None))
        if has_token is not self._had_token and calls and calls[0].signature is not None:
            _wrap_result(calls[0].signature, has_token)
        if len(specs) != len(returned):
            raise GraphError(
                f"node '{_output(self.graph_module).name}' returns {len(returned)} values, "
                f"but {len(specs)} are specified"
            )
        for spec, value in zip(specs, returned):
            spec.arg = _argument_of(spec, value)
        signature.output_specs = specs

    def _name_calls(self, calls: Any) -> None:
        """What the signatures of submodules name, by the names that stand for it now."""
        names = {node.name for node in self.graph_module.graph.nodes}
        for entry in calls:
            if entry.signature is None:
                continue
            for argument in (*entry.signature.inputs, *entry.signature.outputs):
                name = argument.name
                while name and name not in names and name in self._renamed:
                    name = self._renamed[name]
                if name and name not in names:
                    raise GraphError(
                        f"node '{argument.name}' is gone, but it is named in the signature "
                        f"of the submodule '{entry.fqn}'"
                    )
                argument.name = name

    def _verifiers(self) -> Any:
        """The dialects of the result: a program with a token is not an "ATEN" program."""
        meta = self.graph_module.meta
        verifiers = list(self._program.verifiers)
        has_token = TOKENS in meta
        if has_token and not self._had_token:
            if self._program.graph_signature.input_tokens:
                raise GraphError("the program has tokens of torch's own already")
            meta[_VERIFIERS] = tuple(verifiers)
            return [TrainingIRVerifier]
        if self._had_token and not has_token:
            return list(meta.pop(_VERIFIERS, verifiers))
        return verifiers


def _returns_token(program: ExportedProgram) -> bool:
    """Whether the first output is the token of functional asserts."""
    specs = program.graph_signature.output_specs
    return bool(specs) and specs[0].kind is OutputKind.TOKEN and not (
        program.graph_signature.input_tokens
    )


def _output(module: Any) -> Any:
    return next(n for n in reversed(module.graph.nodes) if n.op == "output")


def _argument_of(spec: Any, value: Any) -> Any:
    """The specification's argument for a value that is returned now."""
    if not isinstance(value, fx.Node):
        return ConstantArgument(getattr(spec.arg, "name", ""), value)
    if isinstance(spec.arg, TokenArgument):
        return TokenArgument(value.name)
    kind = type(spec.arg)
    for value_type, argument in _ARGUMENTS:
        if isinstance(value.meta.get("val"), value_type):
            kind = argument
    if kind is ConstantArgument:
        raise GraphError(f"node '{value.name}' is returned where a constant was")
    argument = copy.copy(spec.arg) if kind is type(spec.arg) else kind(value.name)
    argument.name = value.name
    return argument


_ARGUMENTS: Final[tuple[tuple[Any, Any], ...]] = (
    (torch.Tensor, TensorArgument),
    (torch.SymInt, SymIntArgument),
    (torch.SymFloat, SymFloatArgument),
    (torch.SymBool, SymBoolArgument),
)


def _wrap_result(signature: Any, has_token: bool) -> None:
    """The structure of the whole program's result: ``(token, result)``, or the result."""
    if has_token:
        signature.out_spec = pytree.treespec_tuple(
            [pytree.treespec_leaf(), signature.out_spec]
        )
    else:
        signature.out_spec = signature.out_spec.children()[1]
