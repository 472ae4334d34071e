"""Speech and audio."""

from __future__ import annotations

from typing import Any

import torch

from tests.torch.real.base import AUTO, Call, Made, batch_of, real


@real("speech", "torchaudio", quick=True)
def ta_conformer() -> Made:
    from torchaudio.models import Conformer

    model = Conformer(8, 2, 16, 1, 3)

    def inputs(batch: int, length: int) -> tuple[Any, ...]:
        lengths = torch.randint(3, length + 1, (batch,))
        lengths[0] = length
        return torch.rand(batch, length, 8), lengths

    sizes = [(2, 9), (1, 12), (3, 7), (2, 30), (4, 16)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    return Made(model, inputs(3, 11), ({0: AUTO, 1: AUTO}, {0: AUTO}), others)


@real("speech", "torchaudio")
def ta_emformer() -> Made:
    from torchaudio.models import Emformer

    model = Emformer(8, 2, 16, 1, segment_length=4, right_context_length=1)

    def inputs(batch: int) -> tuple[Any, ...]:
        return torch.rand(batch, 9, 8), torch.randint(4, 9, (batch,))

    others = batch_of(lambda s: inputs([1, 2, 3, 4, 2][s - 1]), range(1, 6))
    return Made(model, inputs(2), ({0: AUTO}, {0: AUTO}), others)


@real("speech", "torchaudio")
def ta_wav2vec2_lengths() -> Made:
    from torchaudio.models import wav2vec2_model

    model = wav2vec2_model(
        extractor_mode="layer_norm", extractor_conv_layer_config=[(8, 4, 2), (8, 4, 2)],
        extractor_conv_bias=False, encoder_embed_dim=16, encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=4, encoder_pos_conv_groups=2, encoder_num_layers=1,
        encoder_num_heads=2, encoder_attention_dropout=0.0, encoder_ff_interm_features=16,
        encoder_ff_interm_dropout=0.0, encoder_dropout=0.0, encoder_layer_norm_first=False,
        encoder_layer_drop=0.0, aux_num_out=5,
    )  # fmt: skip

    def inputs(batch: int, length: int) -> tuple[Any, ...]:
        lengths = torch.randint(20, length + 1, (batch,))
        lengths[-1] = length
        return torch.rand(batch, length), lengths

    sizes = [(2, 60), (3, 64), (2, 100), (4, 41), (1, 80)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    return Made(model, inputs(3, 70), ({0: AUTO, 1: AUTO}, {0: AUTO}), others)


@real("speech", "transformers", quick=True)
def tf_wav2vec2_mask() -> Made:
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    config = Wav2Vec2Config(
        vocab_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, conv_dim=(8, 8), conv_stride=(2, 2), conv_kernel=(4, 4),
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, feat_extract_norm="layer",
        num_feat_extract_layers=2,
    )  # fmt: skip
    model = Wav2Vec2ForCTC(config)

    def forward(module: Any, values: Any, mask: Any) -> Any:
        return module(input_values=values, attention_mask=mask).logits

    def inputs(batch: int, length: int) -> tuple[Any, ...]:
        mask = torch.ones(batch, length, dtype=torch.long)
        mask[0, length // 2 :] = 0
        return torch.rand(batch, length), mask

    sizes = [(2, 60), (3, 64), (2, 100), (4, 41), (2, 80)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    shapes = (({0: AUTO, 1: AUTO}, {0: AUTO, 1: AUTO}),)
    return Made(Call(forward, model), inputs(2, 50), shapes, others)


@real("speech", "transformers", quick=True)
def tf_fastspeech_regulator() -> Made:
    from transformers.models.fastspeech2_conformer.modeling_fastspeech2_conformer import (
        length_regulator,
    )

    def inputs(batch: int, length: int) -> tuple[Any, ...]:
        return torch.rand(batch, length, 4), torch.randint(1, 5, (batch, length))

    sizes = [(2, 5), (2, 7), (2, 9), (2, 3), (2, 12)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    return Made(Call(length_regulator), inputs(2, 6), (({1: AUTO}, {1: AUTO}),), others)


@real("speech", "transformers")
def tf_vits_durations() -> Made:
    from transformers import VitsConfig, VitsModel

    config = VitsConfig(
        vocab_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=16,
        flow_size=16, spectrogram_bins=9, upsample_initial_channel=8, upsample_rates=[2, 2],
        upsample_kernel_sizes=[4, 4], resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1]],
        prior_encoder_num_flows=1, prior_encoder_num_wavenet_layers=1, depth_separable_num_layers=1,
        duration_predictor_filter_channels=16, use_stochastic_duration_prediction=False,
    )  # fmt: skip
    model = VitsModel(config)

    def forward(module: Any, tokens: Any) -> Any:
        return module(input_ids=tokens, noise_scale=0.0).waveform if False else module(tokens).waveform

    model.noise_scale = 0.0
    others = batch_of(lambda s: (torch.randint(1, 16, (1, [8, 5, 9, 12, 7][s - 1])),), range(1, 6))
    return Made(Call(forward, model), (torch.randint(1, 16, (1, 6)),), (({1: AUTO},),), others)


@real("speech", "torchaudio")
def ta_rnnt() -> Made:
    from torchaudio.models.rnnt import emformer_rnnt_model

    model = emformer_rnnt_model(
        input_dim=4, encoding_dim=8, num_symbols=8, segment_length=4, right_context_length=1,
        time_reduction_input_dim=4, time_reduction_stride=1, transformer_num_heads=2,
        transformer_ffn_dim=8, transformer_num_layers=1, transformer_dropout=0.0,
        transformer_activation="relu", transformer_left_context_length=2,
        transformer_max_memory_size=0, transformer_weight_init_scale_strategy="depthwise",
        transformer_tanh_on_mem=False, symbol_embedding_dim=4, num_lstm_layers=1,
        lstm_layer_norm=True, lstm_layer_norm_epsilon=1e-3, lstm_dropout=0.0,
    )  # fmt: skip

    def forward(module: Any, sources: Any, lengths: Any, targets: Any, counts: Any) -> Any:
        return module(sources, lengths, targets, counts)[:3]

    def inputs(batch: int) -> tuple[Any, ...]:
        return (torch.rand(batch, 9, 4), torch.randint(4, 9, (batch,)),
                torch.randint(0, 8, (batch, 5)), torch.randint(2, 6, (batch,), dtype=torch.int32))  # fmt: skip

    others = batch_of(lambda s: inputs(2), range(1, 6))
    return Made(Call(forward, model), inputs(2), None, others)


@real("speech", "speechbrain")
def sb_length_to_mask() -> Made:
    from speechbrain.dataio.dataio import length_to_mask

    def inputs(n: int) -> tuple[Any, ...]:
        return (torch.randint(1, 9, (n,)),)

    others = batch_of(lambda s: inputs([1, 2, 5, 9, 3][s - 1]), range(1, 6))
    return Made(Call(length_to_mask), inputs(4), (({0: AUTO},),), others)


@real("speech", "transformers", quick=True)
def tf_hubert_mask() -> Made:
    from transformers import HubertConfig, HubertModel

    config = HubertConfig(
        vocab_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, conv_dim=(8, 8), conv_stride=(2, 2), conv_kernel=(4, 4),
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, num_feat_extract_layers=2,
    )  # fmt: skip
    model = HubertModel(config)

    def forward(module: Any, values: Any, mask: Any) -> Any:
        return module(input_values=values, attention_mask=mask).last_hidden_state

    def inputs(batch: int, length: int) -> tuple[Any, ...]:
        mask = torch.ones(batch, length, dtype=torch.long)
        mask[0, length // 2 :] = 0
        return torch.rand(batch, length), mask

    sizes = [(2, 60), (3, 64), (2, 100), (4, 41), (2, 80)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    shapes = (({0: AUTO, 1: AUTO}, {0: AUTO, 1: AUTO}),)
    return Made(Call(forward, model), inputs(2, 50), shapes, others)


@real("speech", "torchaudio")
def ta_wav2letter_mask() -> Made:
    from torchaudio.functional import mask_along_axis

    def inputs(length: int) -> tuple[Any, ...]:
        return (torch.rand(1, 4, length),)

    others = batch_of(lambda s: inputs([12, 9, 20, 30, 8][s - 1]), range(1, 6))
    model = Call(lambda x: mask_along_axis(x, 3, 0.0, 2))
    return Made(model, inputs(10), (({2: AUTO},),), others)
