"""What our loop is compared with: a loop without inputs, which nothing can beat, and the loops that people write."""

import shutil
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from bench.machine import cores
from multilabel.core.settings import call_named
from multilabel.inputs.examples import Batch
from multilabel.training.optimizers import OPTIMIZERS, weight_groups
from multilabel.training.settings import NetworkArchitecture

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (where Linux keeps what processes share)
WAITING = 60  # seconds without a batch before the loader gives up
Item = tuple[Tensor | None, Tensor | None, Tensor]  # image, ids, targets


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
            self.update(batch)
            number += len(batch.targets)  # type: ignore[arg-type]
        return number


class Everybody:
    """JPEG files through PIL and torchvision, texts tokenised as they come, a DataLoader with workers; each loss is looked at."""

    def __init__(
        self,
        net: nn.Module,
        architecture: NetworkArchitecture,
        device: torch.device,
        precision: str,
        records: "Files",
    ) -> None:
        """A copy of `net`, in PyTorch's usual layout of memory."""
        self.net, self.device = deepcopy(net).to(device).train(), device
        self.update = Update(self.net, architecture, device, precision)
        self.workers = workers(records.bytes_each * architecture.train.batch_size)
        self.loader = DataLoader(
            records,
            architecture.train.batch_size,
            shuffle=True,
            num_workers=self.workers,
            collate_fn=collated,
            pin_memory=device.type == "cuda",
            persistent_workers=self.workers > 0,
            timeout=WAITING if self.workers else 0,
            drop_last=True,
        )

    def train(self, steps: int) -> int:
        """So many updates, at most an epoch; returns how many records they took."""
        number, total = 0, 0.0
        for images, tokens, mask, targets in islice(self.loader, steps):
            parts = [
                None if part is None else part.to(self.device, non_blocking=True) for part in (images, tokens, mask)
            ]
            targets = targets.to(self.device, non_blocking=True)
            total += self.update(Batch(*parts, targets, lengths_of(mask))).item()  # type: ignore[arg-type]
            number += len(targets)
        return number


class HubTrainer:
    """The Trainer of transformers on the same files and the same network."""

    def __init__(self, net: nn.Module, architecture: NetworkArchitecture, records: "Files", folder: Path) -> None:
        """A copy of `net`; the Trainer chooses the device."""
        self.net, self.records, self.folder = Wrapped(deepcopy(net)), records, folder
        self.options = architecture.train
        self.workers = workers(records.bytes_each * self.options.batch_size)

    def rate(self, steps: int) -> float:
        """Records per second between the first of so many steps and the last; what comes before does not count."""
        from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

        ends: list[float] = []
        # accelerate keeps one state for all of a process: the Trainer's would change the precision of our loop.
        before = {kind: dict(kind._shared_state) for kind in (PartialState, AcceleratorState, GradientState)}

        class Clock(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                ends.append(time.perf_counter())

        arguments = TrainingArguments(
            output_dir=str(self.folder),
            per_device_train_batch_size=self.options.batch_size,
            max_steps=steps,
            learning_rate=self.options.lr,
            weight_decay=self.options.weight_decay,
            max_grad_norm=self.options.clip or 0.0,
            dataloader_num_workers=self.workers,
            dataloader_drop_last=True,
            remove_unused_columns=False,
            use_cpu=not torch.cuda.is_available(),
            save_strategy="no",
            logging_steps=10,
            disable_tqdm=True,
            report_to=[],
        )
        trainer = Trainer(self.net, arguments, train_dataset=self.records, data_collator=named, callbacks=[Clock()])
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        for kind, shared in before.items():
            kind._shared_state.clear()
            kind._shared_state.update(shared)
        return (len(ends) - 1) * self.options.batch_size / (ends[-1] - ends[0])


class Wrapped(nn.Module):
    """A network as the Trainer wants it."""

    def __init__(self, net: nn.Module) -> None:
        """`net` is used where it is."""
        super().__init__()
        self.net = net

    def forward(
        self, labels: Tensor, images: Tensor | None = None, tokens: Tensor | None = None, mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The loss and the logits."""
        logits = self.net(images, tokens, mask, lengths_of(mask))
        return {"loss": binary_cross_entropy_with_logits(logits, labels), "logits": logits}


class Update:
    """One step as PyTorch's tutorials write it, with the optimizer, the clip and the precision of our settings."""

    def __init__(self, net: nn.Module, architecture: NetworkArchitecture, device: torch.device, precision: str) -> None:
        """`precision` is fp32 or bf16."""
        options = architecture.train
        groups = weight_groups(net, architecture.model, options.weight_decay)
        self.net, self.clip = net, options.clip
        self.optimizer = call_named(OPTIMIZERS, options.optimizer, groups, options.lr)
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of a batch, after the weights have moved."""
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast:
            logits = self.net(batch.images, batch.tokens, batch.mask, batch.lengths)
        loss = binary_cross_entropy_with_logits(logits.float(), batch.targets)  # type: ignore[arg-type]
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.optimizer.step()
        return loss.detach()


@dataclass(frozen=True)
class Files(Dataset):
    """Records as people keep them: an image file, a text, or both, read one by one."""

    targets: Tensor
    paths: Sequence[Path] | None = None
    transform: Any = None
    texts: Sequence[str] | None = None
    tokenizer: Tokenizer | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, number: int) -> Item:
        image = ids = None
        if self.paths is not None:
            with Image.open(self.paths[number]) as file:
                image = self.transform(file.convert("RGB"))
        if self.texts is not None and self.tokenizer is not None:
            ids = torch.tensor(self.tokenizer.encode(self.texts[number].lower()).ids)
        return image, ids, self.targets[number]

    @property
    def bytes_each(self) -> int:
        """What a record takes between processes."""
        image, ids, _ = self[0]
        return sum(part.nbytes for part in (image, ids) if part is not None)


def usual_transforms(architecture: NetworkArchitecture) -> Any:
    """Of `augment: mild`, in torchvision's words."""
    image = architecture.model.image
    assert image is not None
    steps = [
        transforms.RandomResizedCrop(image.size, scale=(0.9, 1.0), ratio=(1.0, 1.0), antialias=True),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(image.mean, image.std),
    ]
    return transforms.Compose(steps)


def collated(items: list[Item]) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor]:
    """Images (B, 3, S, S), ids and mask (B, T), targets (B, L)."""
    images, ids, targets = zip(*items, strict=True)
    tokens = None if ids[0] is None else pad_sequence(ids, batch_first=True)
    mask = None if tokens is None else tokens > 0
    return None if images[0] is None else torch.stack(images), tokens, mask, torch.stack(targets)


def named(items: list[Item]) -> dict[str, Tensor]:
    """The same as the arguments of `Wrapped`."""
    images, tokens, mask, labels = collated(items)
    found = {"images": images, "tokens": tokens, "mask": mask, "labels": labels}
    return {name: part for name, part in found.items() if part is not None}


def lengths_of(mask: Tensor | None) -> tuple[int, ...] | None:
    """The tokens of each record, which recurrent networks want to know."""
    return None if mask is None else tuple(mask.sum(dim=1).tolist())


def image_batches(number: int, size: int, batch_size: int, labels: int, device: torch.device) -> list[Batch]:
    """Random images that look normalised, channels last as convolutions like them, and random targets."""
    batches = []
    for _ in range(number):
        images = torch.randn(batch_size, 3, size, size, device=device).to(memory_format=torch.channels_last)
        targets = (torch.rand(batch_size, labels, device=device) < 0.15).float()
        batches.append(Batch(images, None, None, targets))
    return batches


def workers(batch_bytes: int) -> int:
    """One for each core, if the memory that processes share holds what they have ready: two batches each, and some room."""
    if not SHARED_MEMORY.exists():
        return cores()
    return max(0, min(cores(), shutil.disk_usage(SHARED_MEMORY).free // (3 * batch_bytes)))
