"""Loops over the experts that some token has chosen, as transformers runs them in eager mode:
right for inputs that route differently from the example, or stopped for the announced reason.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
import transformers
from torch import nn
from torch.export import Dim, ExportedProgram

from asserts.dialects.torch import installed, report

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions"),
    pytest.mark.filterwarnings("ignore"),
]

EXPERTS = 4

SIZES: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64,
    "attn_implementation": "eager", "experts_implementation": "eager",
    "num_experts_per_tok": 2,
}  # fmt: skip

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "Mixtral": {"num_local_experts": EXPERTS},
    "Olmoe": {"num_experts": EXPERTS},
    "Qwen2Moe": {
        "num_experts": EXPERTS, "moe_intermediate_size": 16,
        "shared_expert_intermediate_size": 16,
    },
    "Jamba": {
        "num_experts": EXPERTS, "expert_layer_period": 1, "expert_layer_offset": 0,
        "attn_layer_period": 1, "attn_layer_offset": 0, "use_mamba_kernels": False,
    },
}  # fmt: skip


class Logits(nn.Module):
    """The language model, as a function of its tokens."""

    def __init__(self, name: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        config = getattr(transformers, f"{name}Config")(**SIZES, **CONFIGURATIONS[name])
        self.model = getattr(transformers, f"{name}ForCausalLM")(config)
        self.eval()

    def forward(self, tokens: Any) -> Any:
        return self.model(input_ids=tokens, use_cache=False).logits


def tokens(batch: int, length: int, seed: int) -> Any:
    return torch.randint(0, 64, (batch, length), generator=torch.Generator().manual_seed(seed))


EXAMPLE = tokens(2, 12, 1)
OTHERS = [
    tokens(2, 12, 2), tokens(3, 9, 3), tokens(1, 1, 4), tokens(1, 1, 5), tokens(1, 2, 6),
    torch.full((2, 5), 7), torch.full((1, 6), 40),
]  # fmt: skip


def hit(model: nn.Module, inputs: Any) -> int:
    """How many experts some token has chosen."""
    seen: set[int] = set()

    def notice(module: Any, args: Any, result: Any) -> None:
        for one in args:
            if isinstance(one, torch.Tensor) and one.dtype == torch.int64:
                seen.update(one.flatten().tolist())

    layers = [m for m in model.modules() if type(m).__name__.endswith("Experts")]
    handles = [one.register_forward_hook(notice) for one in layers]
    try:
        with torch.no_grad():
            model(inputs)
    finally:
        for one in handles:
            one.remove()
    return len(seen)


def exported(model: nn.Module, decide: str) -> ExportedProgram:
    shapes = ({0: Dim.AUTO, 1: Dim.AUTO},)
    with torch.no_grad(), installed(decide=decide):
        return torch.export.export(model, (EXAMPLE,), dynamic_shapes=shapes)


@pytest.mark.parametrize(
    "name",
    # (The others take as long, and run with the models of public packages.)
    ["Mixtral", *(pytest.param(n, marks=pytest.mark.real) for n in CONFIGURATIONS if n != "Mixtral")],
)
def test_with_both_sides_every_way_to_route_is_right(name: str) -> None:
    model = Logits(name)
    program = exported(model, "branches")
    assert all(one.assumption is None for one in report(program).decisions)
    run = program.module()
    counts = {hit(model, EXAMPLE)}
    with torch.no_grad():
        torch.testing.assert_close(run(EXAMPLE), model(EXAMPLE))
        for inputs in OTHERS:
            counts.add(hit(model, inputs))
            torch.testing.assert_close(run(inputs), model(inputs))
    assert max(counts) == EXPERTS
    assert len(counts) > 1


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_with_the_examples_branch_another_number_of_experts_is_refused(name: str) -> None:
    model = Logits(name)
    program = exported(model, "example")
    announced = [one.message for one in report(program).decisions if one.message]
    assert announced
    run, as_many = program.module(), hit(model, EXAMPLE)
    with torch.no_grad():
        for inputs in (EXAMPLE, *OTHERS):
            try:
                found = run(inputs)
            except (RuntimeError, AssertionError) as error:
                assert hit(model, inputs) != as_many or "Guard failed" in str(error)
                assert any(one in str(error) for one in [*announced, "Guard failed"])
            else:
                torch.testing.assert_close(found, model(inputs))
