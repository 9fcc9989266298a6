"""What a competition, or a product, allows a model to weigh and to cost."""

from dataclasses import dataclass

from multilabel.core.ranges import Positive


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The section `limits:`; null means none."""

    size_mb: Positive | None = None  # a model as stored, in units of 2^20 bytes
    gpu_hours: Positive | None = None  # hours of training, of whatever device


def broken(limits: Limits, size_mb: float, seconds: float) -> list[str]:
    """Which limits a model exceeds, in words."""
    found = []
    if limits.size_mb is not None and size_mb > limits.size_mb:
        found.append(f"{size_mb:.1f} MB of {limits.size_mb:g} MB")
    if limits.gpu_hours is not None and seconds / 3600 > limits.gpu_hours:
        found.append(f"{seconds / 3600:.1f} hours of {limits.gpu_hours:g} hours")
    return found
