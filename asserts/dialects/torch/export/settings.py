"""What programs set for everything that comes later: how torch computes, what is told and to
whom, the process's environment.

Looked at is what has a getter. Not: `torch.set_flush_denormal`, which has none; backends of
machines other than CPU and CUDA.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import astuple
from typing import Any, Final

import numpy as np
import torch
from torch.backends import mha, opt_einsum
from torch.utils import _device, deterministic

__all__ = ["Settings"]

_DEVICES: Final = ("cpu", "cuda")

_FLAGS: Final = tuple(
    found
    for name in (
        "_get_cudnn_enabled", "_get_cudnn_benchmark", "_get_cudnn_deterministic",
        "_get_mkldnn_enabled", "_get_mkldnn_deterministic", "_get_nnpack_enabled",
        "_get_flash_sdp_enabled", "_get_mem_efficient_sdp_enabled", "_get_math_sdp_enabled",
        "_get_cudnn_sdp_enabled", "_get_cublas_allow_fp16_reduced_precision_reduction",
        "_get_cublas_allow_bf16_reduced_precision_reduction", "_get_cudnn_allow_tf32",
        "_get_onednn_allow_tf32", "_get_qengine", "_get_sdp_priority_order", "_get_warnAlways",
        "_check_sparse_tensor_invariants",
    )
    if (found := getattr(torch._C, name, None)) is not None
)  # fmt: skip
"""What `torch.backends` sets."""

_PRECISIONS: Final = (
    *((backend, operation) for backend in ("mkldnn", "cuda")
      for operation in ("all", "matmul", "conv", "rnn")),
    ("generic", "all"),
)  # fmt: skip
"""The places of `fp32_precision`."""

_MODES: Final[tuple[Callable[[], Any], ...]] = (
    torch.get_default_dtype, torch.is_grad_enabled, torch.is_inference_mode_enabled,
    torch.are_deterministic_algorithms_enabled,
    torch.is_deterministic_algorithms_warn_only_enabled, torch.get_num_threads,
    torch.get_float32_matmul_precision,
    torch.is_autocast_cache_enabled, torch.is_anomaly_enabled,
    torch.is_anomaly_check_nan_enabled, torch._C._is_multithreading_enabled,
    gc.isenabled,
)  # fmt: skip


class Settings:
    """What torch and Python do by default, for all that comes later."""

    def __init__(self) -> None:
        held = [logging.root, *logging.root.manager.loggerDict.values()]
        self._loggers = [one for one in held if isinstance(one, logging.Logger)]
        """Those that there are: modules that are imported make others."""

    def values(self) -> list[Any]:
        """All of it, as values that are the same or equal as long as nothing is set."""
        return [*self._of_torch(), *self._of_loggers(), *_of_process()]

    def _of_torch(self) -> Iterator[Any]:
        for mode in _MODES:
            yield mode()
        for flag in _FLAGS:
            with suppress(RuntimeError):  # (of two ways to set one thing)
                yield repr(flag())
        if hasattr(torch._C, "_get_fp32_precision_getter"):  # (newer versions have it)
            for place in _PRECISIONS:
                yield torch._C._get_fp32_precision_getter(*place)
        yield mha.get_fastpath_enabled()
        yield from (opt_einsum.enabled, opt_einsum.strategy)
        for device in _DEVICES:
            yield torch.is_autocast_enabled(device)
            yield torch.get_autocast_dtype(device)
        yield repr(_device.CURRENT_DEVICE)
        yield deterministic.fill_uninitialized_memory
        yield repr(astuple(torch._tensor_str.PRINT_OPTS))

    def _of_loggers(self) -> Iterator[Any]:
        yield logging.root.manager.disable
        for one in self._loggers:
            yield from (one.level, one.disabled, one.propagate)
            # (By their places: what a handler writes to may be what torch tells, too.)
            yield from (repr(list(map(id, held))) for held in (one.handlers, one.filters))
            yield from (handler.level for handler in one.handlers)


def _of_process() -> Iterator[Any]:
    yield repr(list(map(id, warnings.filters)))
    with suppress(OSError):
        yield os.getcwd()
    yield repr(sorted(os.environ.items()))
    yield repr(np.geterr())
    yield repr(np.get_printoptions())
    decimal = sys.modules.get("decimal")
    if decimal is not None:
        yield repr(decimal.getcontext())
