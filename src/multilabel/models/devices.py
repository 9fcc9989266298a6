"""What the machine offers: device and precision."""

import os
from functools import cache

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs

from multilabel.core.errors import UserError

BF16_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}


def accelerator(precision: str) -> Accelerator:
    """The device(s) that `accelerate launch` or the machine gives, computing in the named precision, or the fastest."""
    gpu = torch.cuda.is_available()
    if precision == "auto":
        precision = "bf16" if _has_bf16() else "fp32"
    elif precision in ("fp16", "tf32") and not gpu:
        raise UserError(f"train.precision: {precision} needs a GPU; write `auto`, bf16 or fp32 to train here")
    elif precision == "bf16" and not gpu and not _has_bf16():
        _say_once("train.precision: this processor has no instructions for bf16 (avx512_bf16, amx_bf16) and takes several "
                  "times as long as in fp32; `auto` would choose fp32")  # fmt: skip
    # Without autocast a GPU would round the factors of convolutions to 10 bits by default, and not those of matrices.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
    # Fusions that read states leave some layers of an encoder unread, which several processes must be told.
    unread = DistributedDataParallelKwargs(find_unused_parameters=True)
    AcceleratorState._reset_state()  # members of an ensemble may compute in different precisions, one after the other
    return Accelerator(mixed_precision=precision if precision in ("bf16", "fp16") else "no", kwargs_handlers=[unread])


@cache
def _say_once(line: str) -> None:
    print(line)


def is_main_process() -> bool:
    """Whether this is the one process of a run that writes its results."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


def describe(device: torch.device) -> str:
    """The device in words, for tables."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu x{torch.get_num_threads()}"


def _has_bf16() -> bool:
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            flags = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return False
    return not BF16_CPU_FLAGS.isdisjoint(flags.split())
