"""Multi-label classification of images, text, and both together: the nouns that the stages in `src` use."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multilabel.inference.classifier import Classifier

__all__ = ["Classifier"]


def __getattr__(name: str) -> Any:
    """`Classifier` on first use: with it comes torch, which takes seconds that nothing else waits for."""
    if name == "Classifier":
        from multilabel.inference.classifier import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
