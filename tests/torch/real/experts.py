"""Mixtures of experts, and other models of transformers that read their data."""

from __future__ import annotations

from typing import Any

import torch

from tests.torch.real.base import AUTO, Call, Made, batch_of, real

TINY = {
    "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64,
}  # fmt: skip


def _tokens(batch: int, length: int) -> tuple[Any, ...]:
    return (torch.randint(0, 64, (batch, length)),)


def _language(model: Any, dynamic: bool = True) -> Made:
    def forward(module: Any, tokens: Any) -> Any:
        return module(input_ids=tokens, use_cache=False).logits

    sizes = [(2, 10), (1, 12), (3, 7), (2, 9), (4, 16)] if dynamic else [(2, 10)] * 5
    others = batch_of(lambda s: _tokens(*sizes[s - 1]), range(1, 6))
    shapes = (({0: AUTO, 1: AUTO},),) if dynamic else None
    return Made(Call(forward, model), _tokens(2, 10), shapes, others)


def _experts(name: str, **options: Any) -> Made:
    import transformers

    config = getattr(transformers, f"{name}Config")(
        **{**TINY, "attn_implementation": "eager", "experts_implementation": "eager", **options}
    )
    return _language(getattr(transformers, f"{name}ForCausalLM")(config))


@real("experts", "transformers", quick=True)
def tf_mixtral() -> Made:
    return _experts("Mixtral", num_local_experts=4, num_experts_per_tok=2)


@real("experts", "transformers")
def tf_olmoe() -> Made:
    return _experts("Olmoe", num_experts=4, num_experts_per_tok=2)


@real("experts", "transformers")
def tf_qwen2_moe() -> Made:
    return _experts(
        "Qwen2Moe", num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
        shared_expert_intermediate_size=16,
    )  # fmt: skip


@real("experts", "transformers", quick=True)
def tf_jamba() -> Made:
    return _experts(
        "Jamba", num_experts=4, num_experts_per_tok=2, expert_layer_period=1,
        expert_layer_offset=0, attn_layer_period=1, attn_layer_offset=0,
        use_mamba_kernels=False,
    )  # fmt: skip


@real("experts", "transformers")
def tf_deepseek_v3() -> Made:
    return _experts(
        "DeepseekV3", n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
        first_k_dense_replace=0, n_group=2, topk_group=1, q_lora_rank=8, kv_lora_rank=8,
        qk_rope_head_dim=4, v_head_dim=8, qk_nope_head_dim=8,
    )  # fmt: skip


@real("experts", "transformers")
def tf_gpt_oss() -> Made:
    return _experts("GptOss", num_local_experts=4, num_experts_per_tok=2, head_dim=8,
                    layer_types=["full_attention"])  # fmt: skip


@real("experts", "transformers")
def tf_granite_moe() -> Made:
    return _experts("GraniteMoe", num_local_experts=4, num_experts_per_tok=2)


@real("experts", "transformers")
def tf_phimoe() -> Made:
    return _experts("Phimoe", num_local_experts=4, num_experts_per_tok=2)


@real("experts", "transformers")
def tf_switch() -> Made:
    from transformers import (
        SwitchTransformersConfig,
        SwitchTransformersForConditionalGeneration,
    )

    config = SwitchTransformersConfig(
        vocab_size=64, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_decoder_layers=2,
        num_heads=2, num_experts=4, num_sparse_encoder_layers=1, num_sparse_decoder_layers=1,
        expert_capacity=4, decoder_start_token_id=0,
    )  # fmt: skip
    model = SwitchTransformersForConditionalGeneration(config)

    def forward(module: Any, tokens: Any, out: Any) -> Any:
        return module(input_ids=tokens, decoder_input_ids=out, use_cache=False).logits

    def inputs() -> tuple[Any, ...]:
        return (*_tokens(2, 8), *_tokens(2, 6))

    return Made(Call(forward, model), inputs(), None, batch_of(lambda s: inputs(), range(1, 6)))


@real("vision-language", "transformers", quick=True)
def tf_clip_text() -> Made:
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=32, eos_token_id=63,
    )  # fmt: skip
    model = CLIPTextModel(config)

    def forward(module: Any, tokens: Any) -> Any:
        return module(input_ids=tokens).pooler_output

    sizes = [(2, 10), (1, 12), (3, 7), (2, 9), (4, 16)]
    others = batch_of(lambda s: _tokens(*sizes[s - 1]), range(1, 6))
    return Made(Call(forward, model), _tokens(2, 10), (({0: AUTO, 1: AUTO},),), others)


@real("vision-language", "transformers")
def tf_llava() -> Made:
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
    )

    config = LlavaConfig(
        vision_config=CLIPVisionConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                         num_attention_heads=2, image_size=16, patch_size=8),
        text_config=LlamaConfig(**TINY), image_token_index=5, vision_feature_layer=-1,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config)

    def forward(module: Any, tokens: Any, pixels: Any) -> Any:
        return module(input_ids=tokens, pixel_values=pixels, use_cache=False).logits

    def inputs(length: int) -> tuple[Any, ...]:
        tokens = torch.randint(6, 64, (1, length))
        tokens[:, 1:5] = 5
        return tokens, torch.rand(1, 3, 16, 16)

    sizes = [9, 12, 7, 10, 16]
    others = batch_of(lambda s: inputs(sizes[s - 1]), range(1, 6))
    others.append((torch.full((1, 10), 7), torch.rand(1, 3, 16, 16)))
    return Made(Call(forward, model), inputs(10), (({1: AUTO}, {}),), others)


@real("vision-language", "transformers")
def tf_qwen2_vl() -> Made:
    from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLVisionConfig
    from transformers.models.qwen2_vl.modeling_qwen2_vl import (
        Qwen2VisionTransformerPretrainedModel,
    )

    config = Qwen2VLVisionConfig(depth=1, embed_dim=16, hidden_size=16, num_heads=2, patch_size=4,
                                 mlp_ratio=2, attn_implementation="eager")  # fmt: skip
    model = Qwen2VisionTransformerPretrainedModel(config)

    def forward(module: Any, pixels: Any, grid: Any) -> Any:
        return module(pixels, grid_thw=grid)[0]

    def inputs(h: int, w: int) -> tuple[Any, ...]:
        return torch.rand(h * w, 3 * 2 * 16), torch.tensor([[1, h, w]])

    sizes = [(4, 4), (4, 6), (2, 2), (8, 4), (6, 6)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    return Made(Call(forward, model), inputs(4, 8), (({0: AUTO}, {}),), others)


@real("experts", "transformers")
def tf_qwen3_moe() -> Made:
    return _experts(
        "Qwen3Moe", num_experts=4, num_experts_per_tok=1, moe_intermediate_size=16, head_dim=8
    )


@real("language", "transformers", quick=True)
def tf_llama_padded() -> Made:
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(LlamaConfig(**TINY, attn_implementation="eager"))

    def forward(module: Any, tokens: Any, mask: Any) -> Any:
        return module(input_ids=tokens, attention_mask=mask, use_cache=False).logits

    def inputs(batch: int, length: int) -> tuple[Any, ...]:
        mask = torch.ones(batch, length, dtype=torch.long)
        mask[0, :2] = 0
        return (*_tokens(batch, length), mask)

    sizes = [(2, 10), (3, 12), (3, 7), (2, 9), (4, 16)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    shapes = (({0: AUTO, 1: AUTO}, {0: AUTO, 1: AUTO}),)
    return Made(Call(forward, model), inputs(2, 11), shapes, others)


@real("language", "transformers", quick=True)
def tf_sequence_classification() -> Made:
    from transformers import LlamaConfig, LlamaForSequenceClassification

    config = LlamaConfig(**TINY, attn_implementation="eager", pad_token_id=0, num_labels=3)
    model = LlamaForSequenceClassification(config)

    def forward(module: Any, tokens: Any) -> Any:
        return module(input_ids=tokens, use_cache=False).logits

    sizes = [(2, 10), (3, 12), (3, 7), (2, 9), (4, 16)]
    others = batch_of(lambda s: _tokens(*sizes[s - 1]), range(1, 6))
    return Made(Call(forward, model), _tokens(2, 11), (({0: AUTO, 1: AUTO},),), others)


@real("language", "transformers", quick=True)
def tf_longformer() -> Made:
    from transformers import LongformerConfig, LongformerModel

    config = LongformerConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, attention_window=[4], max_position_embeddings=64, pad_token_id=1,
    )  # fmt: skip
    model = LongformerModel(config)

    def forward(module: Any, tokens: Any, places: Any) -> Any:
        return module(input_ids=tokens, global_attention_mask=places).last_hidden_state

    def inputs(seed: int) -> tuple[Any, ...]:
        places = torch.zeros(2, 8, dtype=torch.long)
        places[0, : 1 + seed % 3] = 1
        places[1, 0] = 1
        return torch.randint(2, 64, (2, 8)), places

    return Made(Call(forward, model), inputs(1), None, batch_of(inputs, range(6)))


@real("speech", "transformers", quick=True)
def tf_speech2text() -> Made:
    from transformers import Speech2TextConfig
    from transformers.models.speech_to_text.modeling_speech_to_text import Speech2TextEncoder

    config = Speech2TextConfig(
        vocab_size=16, d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16,
        decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
        conv_channels=8, input_feat_per_channel=4, num_conv_layers=1, conv_kernel_sizes=[3],
        max_source_positions=64,
    )  # fmt: skip
    model = Speech2TextEncoder(config)

    def forward(module: Any, features: Any, mask: Any) -> Any:
        return module(features, attention_mask=mask).last_hidden_state

    def inputs(batch: int, length: int) -> tuple[Any, ...]:
        mask = torch.ones(batch, length, dtype=torch.long)
        mask[0, length // 2 :] = 0
        return torch.rand(batch, length, 4), mask

    sizes = [(2, 12), (3, 12), (2, 12), (4, 12), (5, 12)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    return Made(Call(forward, model), inputs(2, 12), (({0: AUTO}, {0: AUTO}),), others)


@real("vision-language", "transformers")
def tf_vilt_masks() -> Made:
    from transformers.models.vilt.configuration_vilt import ViltConfig
    from transformers.models.vilt.modeling_vilt import ViltModel

    config = ViltConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, image_size=16, patch_size=8, max_position_embeddings=16,
        max_image_length=-1,
    )  # fmt: skip
    model = ViltModel(config)

    def forward(module: Any, tokens: Any, pixels: Any, mask: Any) -> Any:
        return module(input_ids=tokens, pixel_values=pixels, pixel_mask=mask).pooler_output

    def inputs(seed: int) -> tuple[Any, ...]:
        mask = torch.ones(1, 16, 16, dtype=torch.long)
        return (*_tokens(1, 5), torch.rand(1, 3, 16, 16), mask)

    return Made(Call(forward, model), inputs(0), None, batch_of(inputs, range(1, 6)))


@real("pruning", "transformers", quick=True)
def tf_mae_masking() -> Made:
    from transformers import ViTMAEConfig, ViTMAEModel

    config = ViTMAEConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=16, patch_size=4, mask_ratio=0.5,
    )  # fmt: skip
    model = ViTMAEModel(config)

    def forward(module: Any, pixels: Any, noise: Any) -> Any:
        return module(pixel_values=pixels, noise=noise).last_hidden_state

    def inputs(seed: int) -> tuple[Any, ...]:
        return torch.rand(1 + seed, 3, 16, 16), torch.rand(1 + seed, 16)

    shapes = (({0: AUTO}, {0: AUTO}),)
    return Made(Call(forward, model), inputs(1), shapes, batch_of(inputs, range(2, 7)))
