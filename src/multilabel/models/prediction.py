"""A network and examples -> logits and probabilities; what training, evaluation and submission share."""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from numpy.typing import NDArray
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.inputs.examples import Examples
from multilabel.inputs.features import Features
from multilabel.inputs.feed import Feed, Order
from multilabel.models.image_encoders import normalise
from multilabel.models.settings import ImageSettings

PREDICTION_BATCH = 256  # records
CPU_PIXELS = 2**20  # of a batch: more maps than a processor's caches hold take twice the time at 260 px
View = Callable[[Tensor, int], Tensor]  # images of 0..1 and a size -> that many pixels a side of them


def centre_crop(images: Tensor, size: int) -> Tensor:
    """The central window of `size` pixels a side, which is what prediction sees."""
    start = (images.shape[-1] - size) // 2
    return images[:, :, start : start + size, start : start + size]


def prediction_batch(size: int, device: torch.device) -> int:
    """How many images of `size` pixels a side, 0 for none, a network reads fastest at once."""
    fit = CPU_PIXELS // size**2 if size and device.type == "cpu" else PREDICTION_BATCH
    return max(1, min(PREDICTION_BATCH, fit))


class ImagePreparation:
    """uint8 pixels -> what the network was made to read, on the device."""

    def __init__(self, settings: ImageSettings | None, device: torch.device) -> None:
        """Those of the `image:` block, None for a text network."""
        self.size = settings.size if settings else 0
        self.mean = torch.tensor(settings.mean, device=device) if settings else None
        self.std = torch.tensor(settings.std, device=device) if settings else None

    def __call__(self, images: Tensor | Features | None, view: View = centre_crop) -> Tensor | Features | None:
        """(B, 3, R, R) uint8 -> (B, 3, size, size) normalised float; `view` gets images of 0..1 and the size.

        Features are what comes after the network has read an image, and stay as they are.
        """
        if isinstance(images, Features):
            return images
        if images is None or self.mean is None or self.std is None:
            return None
        return normalise(view(images.float().div_(255), self.size), self.mean, self.std)


def predict(
    net: nn.Module,
    prepare: ImagePreparation,
    examples: Examples | Feed,
    accelerator: Accelerator,
    flip_average: bool = False,
) -> NDArray[np.float32]:
    """Logits (N, L) in the order of the examples; several processes share the work, and each gets all of them.

    With `flip_average` the mean of the logits for every image and its mirror image. A batch that the device has no memory
    for is computed in parts, ever smaller ones.
    """
    net.eval()
    feed = examples if isinstance(examples, Feed) else Feed(examples, accelerator.device)
    batch_size = prediction_batch(prepare.size if feed.has_pixels else 0, accelerator.device)
    rows = list(feed.examples.in_order(batch_size))[accelerator.process_index :: accelerator.num_processes]
    parts, logits = 1, None
    while logits is None:
        orders = [Order(np.array_split(chosen, min(parts, len(chosen)))) for chosen in rows]
        try:
            logits = _logits(net, prepare, feed, orders, accelerator, flip_average)
        except torch.OutOfMemoryError:
            if parts >= batch_size:
                raise
            parts *= 2
            torch.cuda.empty_cache()
    found = [part.cpu().numpy() for part in logits]  # at the end: to fetch one waits for the device
    if accelerator.num_processes > 1:
        rows, found = gather_object(rows), gather_object(found)
    ordered = np.empty((len(feed.examples), found[0].shape[1]), np.float32)
    ordered[np.concatenate(rows)] = np.concatenate(found)
    if not np.isfinite(ordered).all():
        unfit = len(ordered) - int(np.isfinite(ordered).all(axis=1).sum())
        raise UserError(f"the network's outputs for {unfit} of {len(ordered)} records are no finite numbers, so its weights "
                        f"have grown beyond use; lower train.lr, or let train.clip bound the gradient")  # fmt: skip
    return ordered


def _logits(
    net: nn.Module,
    prepare: ImagePreparation,
    feed: Feed,
    orders: Sequence[Order],
    accelerator: Accelerator,
    flip_average: bool,
) -> list[Tensor]:
    """Of each piece of each order, on the device."""
    stored, found = flip_average and feed.examples.image_features is not None, []
    mirrored: Iterable[Iterable[Any]] = feed.steps(orders, flip=1.0) if stored else repeat(repeat(None))
    with torch.inference_mode():
        for batches, others in zip(feed.steps(orders), mirrored, strict=False):
            for batch, other in zip(batches, others, strict=False):
                images = prepare(batch.images)
                with accelerator.autocast():
                    logits = net(images, batch.tokens, batch.mask, batch.lengths).float()
                    for flipped in [other.images] if other else _mirrored(images, flip_average):
                        logits = (logits + net(flipped, batch.tokens, batch.mask, batch.lengths).float()) / 2
                found.append(logits)
    return found


def _mirrored(images: Tensor | Features | None, wanted: bool) -> list[Tensor]:
    """The mirror images of a batch, where it has images and they are wanted."""
    return [images.flip(3)] if wanted and isinstance(images, Tensor) else []


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits -> probabilities."""
    return torch.from_numpy(logits).sigmoid().numpy()
