"""The image encoder's kernels recorded once and replayed in each step (CUDA graphs).

A small network spends more time on launching its kernels one by one than the GPU on running them. What is recorded is
bound to one shape, so a batch that differs, such as an epoch's last one, and prediction go the usual way.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.utils import AutocastKwargs
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.inputs.features import Features
from multilabel.models.network import Network


@contextmanager
def replayed(net: nn.Module, size: int, batch_size: int, accelerator: Accelerator) -> Iterator[None]:
    """Within, the image encoder replays whatever it learns from batches of (batch_size, 3, size, size).

    Raises `UserError` for an encoder whose kernels depend on what it sees. Processes that share a batch, and a batch in
    pieces, whose gradients would be written over each other, are the caller's to leave out.
    """
    encoder = net.image if isinstance(net, Network) else None
    if encoder is None or not any(weight.requires_grad for weight in encoder.parameters()):
        yield
        return
    net.train()  # which is what is recorded
    encoder.forward = _Replay(encoder, size, batch_size, accelerator)
    try:
        with warnings.catch_warnings():
            # Gradients were recorded on a stream of their own, which torch waits for on the GPU.
            warnings.filterwarnings("ignore", "The AccumulateGrad node's stream does not match")
            yield
    finally:
        del encoder.forward  # the class has the usual one


class _Replay:
    """In place of the encoder's `forward`."""

    def __init__(self, encoder: nn.Module, size: int, batch_size: int, accelerator: Accelerator) -> None:
        self.encoder, self.usual = encoder, _Usual(encoder)
        sample = torch.zeros(batch_size, 3, size, size, device=accelerator.device)
        self.sample = sample.to(memory_format=torch.channels_last)
        before = [buffer.clone() for buffer in encoder.buffers()]
        try:
            with accelerator.autocast(AutocastKwargs(cache_enabled=False)):
                self.graphed = torch.cuda.make_graphed_callables(self.usual, (self.sample,), allow_unused_input=True)
        except RuntimeError as error:
            raise UserError(f"train.cuda_graphs: the kernels of {type(encoder).__name__} cannot be recorded "
                            f"({str(error).splitlines()[0]}); set it to false") from None  # fmt: skip
        for buffer, value in zip(encoder.buffers(), before, strict=True):
            buffer.copy_(value)  # statistics of batch norm, which has seen the sample

    def __call__(self, images: Tensor) -> Features:
        if not self.encoder.training or images.shape != self.sample.shape:
            return self.usual.compute(images)
        tensors: Iterator[Tensor] = iter(self.graphed(images))  # type: ignore[arg-type]
        return Features(*(next(tensors) if there else None for there in self.usual.parts))


class _Usual(nn.Module):
    """The encoder as it is; `forward` returns tensors alone, which is what graphs know."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.compute = encoder, encoder.forward
        self.parts: tuple[bool, ...] = ()  # of features, those that there are

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        found: Features = self.compute(images)
        self.parts = tuple(part is not None for part in found)
        return tuple(part for part in found if part is not None)
