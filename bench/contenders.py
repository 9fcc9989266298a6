"""What our loop is compared with: a loop without inputs, which nothing can beat, and the loop that everybody writes."""

import shutil
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from bench.machine import cores
from multilabel.core.settings import call_named
from multilabel.inputs.examples import Batch
from multilabel.training.optimizers import OPTIMIZERS, weight_groups
from multilabel.training.settings import NetworkArchitecture

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (where Linux keeps what processes share)
WAITING = 60  # seconds without a batch before the loader gives up


class Bare:
    """Forward, loss, backward, clip and update on batches that lie on the device, normalised: the ceiling."""

    def __init__(
        self,
        net: nn.Module,
        architecture: NetworkArchitecture,
        device: torch.device,
        precision: str,
        batches: list[Batch],
    ) -> None:
        """A copy of `net`; `batches` are what it reads."""
        self.net = deepcopy(net).to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.update = Update(self.net, architecture, device, precision)
        self.batches = [batch.to(device) for batch in batches]

    def train(self, steps: int) -> int:
        """So many updates; returns how many records they took."""
        number = 0
        for i in range(steps):
            batch = self.batches[i % len(self.batches)]
            self.update(batch.images, batch.tokens, batch.mask, batch.lengths, batch.targets)
            number += len(batch.targets)  # type: ignore[arg-type]
        return number


class Everybody:
    """JPEG files through PIL, torchvision's transforms and workers of a DataLoader; the loss is looked at in each step."""

    def __init__(
        self,
        net: nn.Module,
        architecture: NetworkArchitecture,
        device: torch.device,
        precision: str,
        paths: list[Path],
        targets: Tensor,
    ) -> None:
        """A copy of `net`, in PyTorch's usual layout of memory."""
        settings, batch_size = architecture.model.image, architecture.train.batch_size
        assert settings is not None
        steps = [
            transforms.RandomResizedCrop(settings.size, scale=(0.9, 1.0), ratio=(1.0, 1.0), antialias=True),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(settings.mean, settings.std),
        ]
        self.net, self.device = deepcopy(net).to(device).train(), device
        self.update = Update(self.net, architecture, device, precision)
        self.workers = _workers(4 * 3 * settings.size**2 * batch_size)
        self.loader = DataLoader(
            ImageFiles(paths, targets, transforms.Compose(steps)),
            batch_size,
            shuffle=True,
            num_workers=self.workers,
            pin_memory=device.type == "cuda",
            persistent_workers=self.workers > 0,
            timeout=WAITING if self.workers else 0,
            drop_last=True,
        )

    def train(self, steps: int) -> int:
        """So many updates, at most an epoch; returns how many records they took."""
        number, total = 0, 0.0
        for images, targets in islice(self.loader, steps):
            images, targets = images.to(self.device, non_blocking=True), targets.to(self.device, non_blocking=True)
            total += self.update(images, None, None, None, targets).item()
            number += len(targets)
        return number


class Update:
    """One step as PyTorch's tutorials write it, with the optimizer, the clip and the precision of our settings."""

    def __init__(self, net: nn.Module, architecture: NetworkArchitecture, device: torch.device, precision: str) -> None:
        """`precision` is fp32 or bf16."""
        options = architecture.train
        groups = weight_groups(net, architecture.model, options.weight_decay)
        self.net, self.clip = net, options.clip
        self.optimizer = call_named(OPTIMIZERS, options.optimizer, groups, options.lr)
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")

    def __call__(self, images: Any, tokens: Any, mask: Any, lengths: Any, targets: Tensor) -> Tensor:
        """The loss of a batch, after the weights have moved."""
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast:
            logits = self.net(images, tokens, mask, lengths)
        loss = binary_cross_entropy_with_logits(logits.float(), targets)
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.optimizer.step()
        return loss.detach()


class ImageFiles(Dataset):
    """One file, one item."""

    def __init__(self, paths: list[Path], targets: Tensor, transform: Any) -> None:
        """As many paths as targets."""
        self.paths, self.targets, self.transform = paths, targets, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        with Image.open(self.paths[number]) as image:
            return self.transform(image.convert("RGB")), self.targets[number]


def image_batches(number: int, size: int, batch_size: int, labels: int, device: torch.device) -> list[Batch]:
    """Random images that look normalised, channels last as convolutions like them, and random targets."""
    batches = []
    for _ in range(number):
        images = torch.randn(batch_size, 3, size, size, device=device).to(memory_format=torch.channels_last)
        targets = (torch.rand(batch_size, labels, device=device) < 0.15).float()
        batches.append(Batch(images, None, None, targets))
    return batches


def _workers(batch_bytes: int) -> int:
    """One for each core, if the memory that processes share holds what they have ready: two batches each, and some room."""
    if not SHARED_MEMORY.exists():
        return cores()
    return max(0, min(cores(), shutil.disk_usage(SHARED_MEMORY).free // (3 * batch_bytes)))
