"""Prediction where a device has little memory."""

from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from multilabel.inputs.examples import Examples
from multilabel.models.prediction import ImagePreparation, predict
from multilabel.models.settings import ImageSettings


class Small(nn.Module):
    """Sums over images; there is room for so many at once."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.sizes = room, list[int]()

    def forward(self, images: Tensor, *_: Any) -> Tensor:
        self.sizes.append(len(images))
        if len(images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return images.sum(dim=(2, 3))


def predicted(room: int, flip_average: bool = False) -> tuple[Any, Small]:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    examples = Examples(pixels, np.arange(9), None, None)
    net, prepare = (
        Small(room),
        ImagePreparation(ImageSettings(encoder="timm/resnet10t", size=8, options={}), torch.device("cpu")),
    )
    return predict(net, prepare, examples, Accelerator(cpu=True), flip_average), net


@pytest.mark.parametrize("flip_average", [False, True])
@pytest.mark.parametrize("room", [4, 2, 1])
def test_a_batch_without_room_is_computed_in_parts(room: int, flip_average: bool) -> None:
    whole, _ = predicted(9, flip_average)
    parts, net = predicted(room, flip_average)
    np.testing.assert_array_equal(parts, whole)
    assert net.sizes[0] == 9
    assert max(net.sizes[-3:]) <= room


def test_a_record_without_room_says_so() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        predicted(0)
