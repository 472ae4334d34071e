"""transformers' models with random weights and tiny configurations; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.export import Dim

DYNAMIC = Dim.DYNAMIC
Named = dict[str, Tensor]

SMALL = {
    "vocab_size": 32,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
}
DECODER = {**SMALL, "num_key_value_heads": 1, "use_cache": False}
IMAGES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 4,
}


@dataclass(frozen=True, eq=False)
class Model:
    """A model, its inputs for given sizes, and which sizes are dynamic.

    `example` and `others` are sizes to try; `invalid` inputs are rejected by eager, and
    `retyped` ones have a dtype that the traced program is not made for.
    """

    name: str
    make: Callable[[], torch.nn.Module]
    inputs: Callable[..., Named]
    shapes: Mapping[str, dict[int, Any]]
    example: tuple[int, ...]
    others: tuple[tuple[int, ...], ...]
    invalid: Callable[[], tuple[Named, ...]] = tuple
    retyped: Callable[[], tuple[Named, ...]] = tuple

    @property
    def sample(self) -> Named:
        return self.inputs(*self.example)

    @cache  # noqa: B019  (the table of models lives as long as the process)
    def built(self) -> torch.nn.Module:
        """The model, the same weights every time."""
        torch.manual_seed(0)
        return self.make().eval()


def words(batch: int, length: int) -> Tensor:
    return torch.arange(batch * length).reshape(batch, length) % 29 + 1


def ones(batch: int, length: int) -> Tensor:
    return torch.ones(batch, length, dtype=torch.long)


def pictures(batch: int, size: int = 16) -> Tensor:
    return torch.linspace(-1, 1, batch * 3 * size * size).reshape(batch, 3, size, size)


def text(batch: int, length: int) -> Named:
    return {"input_ids": words(batch, length), "attention_mask": ones(batch, length)}


TEXT = {"input_ids": {0: DYNAMIC, 1: DYNAMIC}, "attention_mask": {0: DYNAMIC, 1: DYNAMIC}}


def short_mask(batch: int, length: int) -> Tensor:
    """A mask for fewer words. (One that hides nothing is not looked at by eager.)"""
    mask = ones(batch, length - 1)
    mask[:, -1] = 0
    return mask


def wrong_mask() -> tuple[Named, ...]:
    return ({"input_ids": words(2, 7), "attention_mask": short_mask(2, 7)},)


def float_mask() -> tuple[Named, ...]:
    return ({"input_ids": words(2, 7), "attention_mask": ones(2, 7).double()},)


def translated(batch: int, length: int, out: int) -> Named:
    return {**text(batch, length), "decoder_input_ids": words(batch, out)}


def heard(batch: int, length: int) -> Named:
    features = torch.linspace(-1, 1, batch * 8 * 32).reshape(batch, 8, 32)
    return {"input_features": features, "decoder_input_ids": words(batch, length)}


def seen(batch: int) -> Named:
    return {"pixel_values": pictures(batch)}


def captioned(texts: int, length: int, images: int) -> Named:
    return {**text(texts, length), "pixel_values": pictures(images)}


def mixtral(experts: str) -> torch.nn.Module:
    config = transformers.MixtralConfig(
        **DECODER,
        num_local_experts=3,
        num_experts_per_tok=2,
        experts_implementation=experts,
    )
    return transformers.MixtralForCausalLM(config)


def whisper() -> torch.nn.Module:
    config = transformers.WhisperConfig(
        vocab_size=32,
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_mel_bins=8,
        max_source_positions=16,
        max_target_positions=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        use_cache=False,
    )
    return transformers.WhisperForConditionalGeneration(config)


def t5() -> torch.nn.Module:
    config = transformers.T5Config(
        vocab_size=32, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, use_cache=False
    )
    return transformers.T5ForConditionalGeneration(config)


def clip() -> torch.nn.Module:
    tokens = {"eos_token_id": 31, "bos_token_id": 1, "pad_token_id": 0}
    config = transformers.CLIPConfig(
        text_config={**SMALL, **tokens}, vision_config=IMAGES, projection_dim=8
    )
    return transformers.CLIPModel(config)


def _decoder(name: str, make: Callable[[], torch.nn.Module]) -> Model:
    sizes = ((3, 5), (2, 9))
    return Model(name, make, text, TEXT, (2, 7), sizes, wrong_mask, float_mask)


MODELS = (
    _decoder("bert", lambda: transformers.BertModel(transformers.BertConfig(**SMALL))),
    _decoder(
        "llama", lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**DECODER))
    ),
    _decoder("mixtral", lambda: mixtral("batched_mm")),
    _decoder("mixtral-grouped", lambda: mixtral("grouped_mm")),
    Model(
        "t5",
        t5,
        translated,
        {**TEXT, "decoder_input_ids": {0: DYNAMIC, 1: DYNAMIC}},
        (2, 7, 5),
        ((3, 5, 4), (2, 9, 6)),
        lambda: ({**translated(2, 7, 5), "attention_mask": short_mask(2, 7)},),
        lambda: ({**translated(2, 7, 5), "attention_mask": ones(2, 7).double()},),
    ),
    Model(
        "whisper",
        whisper,
        heard,
        {"input_features": {0: DYNAMIC}, "decoder_input_ids": {0: DYNAMIC, 1: DYNAMIC}},
        (2, 5),
        ((3, 4), (2, 9)),
        lambda: ({**heard(2, 5), "input_features": heard(2, 5)["input_features"][:, :7]},),
    ),
    Model(
        "vit",
        lambda: transformers.ViTModel(transformers.ViTConfig(**IMAGES)),
        seen,
        {"pixel_values": {0: DYNAMIC}},
        (2,),
        ((3,), (5,)),
        lambda: ({"pixel_values": pictures(2, 12)},),
    ),
    Model(
        "clip",
        clip,
        captioned,
        {**TEXT, "pixel_values": {0: DYNAMIC}},
        (3, 7, 2),
        ((2, 5, 4), (4, 9, 3)),
        lambda: ({**captioned(3, 7, 2), "pixel_values": pictures(2, 12)},),
        lambda: ({**captioned(3, 7, 2), "pixel_values": pictures(2).double()},),
    ),
)

UNEXPORTABLE = _decoder("mixtral-eager", lambda: mixtral("eager"))
"""Its loop runs over the experts that some token has chosen, and how many these are depends
on the data: no check decides it, and no tracer unrolls it."""
