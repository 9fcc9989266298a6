"""A network and examples -> logits and probabilities; what training, evaluation and submission share."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from numpy.typing import NDArray
from torch import Tensor, nn

from multilabel.inputs.examples import Examples
from multilabel.models.image_encoders import normalise
from multilabel.training.augmentation import Augmentation, augment, middle

PREDICTION_BATCH = 256


class ImagePreparation:
    """uint8 pixels -> what the network was made to read, on the device; augmented on request."""

    def __init__(self, settings: Mapping[str, Any] | None, device: torch.device) -> None:
        """`settings` are those of the `image:` block, None for a text network."""
        self.size = settings["size"] if settings else 0
        self.mean = torch.tensor(settings["mean"], device=device) if settings else None
        self.std = torch.tensor(settings["std"], device=device) if settings else None

    def __call__(self, images: Tensor | None, augmentation: Augmentation | None = None) -> Tensor | None:
        """(B, 3, R, R) uint8 -> (B, 3, size, size) normalised float; unless augmented, the middle of the picture."""
        if images is None or self.mean is None or self.std is None:
            return None
        scaled = images.float().div_(255)
        seen = middle(scaled, self.size) if augmentation is None else augment(scaled, augmentation, self.size)
        return normalise(seen, self.mean, self.std)


def predict(
    net: nn.Module, prepare: ImagePreparation, examples: Examples, accelerator: Accelerator, flip_average: bool = False
) -> NDArray[np.float32]:
    """Logits (N, L) in the order of the examples; several processes share the work, and each gets all of them.

    With `flip_average` the mean of the logits for every picture and its mirror image.
    """
    net.eval()
    rows, parts = [], []
    with torch.inference_mode():
        for number, chosen in enumerate(examples.in_order(PREDICTION_BATCH)):
            if number % accelerator.num_processes == accelerator.process_index:
                batch = examples.batch(chosen).to(accelerator.device)
                images = prepare(batch.images)
                with accelerator.autocast():
                    logits = net(images, batch.tokens, batch.mask).float()
                    if flip_average and images is not None:
                        logits = (logits + net(images.flip(3), batch.tokens, batch.mask).float()) / 2
                parts.append(logits.cpu().numpy())
                rows.append(chosen)
    if accelerator.num_processes > 1:
        rows, parts = gather_object(rows), gather_object(parts)
    ordered = np.empty((len(examples), parts[0].shape[1]), np.float32)
    ordered[np.concatenate(rows)] = np.concatenate(parts)
    return ordered


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits -> probabilities."""
    return torch.from_numpy(logits).sigmoid().numpy()
