"""Tensors and plain values in a file behind their checksum: damage is noticed, of which PyTorch itself notices little."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

DIGEST = hashlib.sha256().digest_size


def write_tensors(path: Path, content: dict[str, Any]) -> None:
    """Tensors, numbers, strings and containers of them."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with path.open("wb") as file:
        file.write(hashlib.sha256(buffer.getbuffer()).digest())
        file.write(buffer.getbuffer())


def read_tensors(path: Path) -> dict[str, Any] | None:
    """The content, on the CPU, or None if it does not fit its checksum; unpickles tensors and plain values only."""
    stored = path.read_bytes()
    if hashlib.sha256(stored[DIGEST:]).digest() != stored[:DIGEST]:
        return None
    return torch.load(io.BytesIO(stored[DIGEST:]), weights_only=True, map_location="cpu")
