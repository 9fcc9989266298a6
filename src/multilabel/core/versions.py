"""The versions of libraries: part of what anything that is kept between runs depends on."""

from importlib.metadata import version

LIBRARIES = ("torch", "torchvision", "timm", "transformers", "tokenizers", "accelerate", "gensim", "numpy", "pillow")


def versions(*libraries: str) -> str:
    """Each with its version; of all that may change a step or a feature, where none is named."""
    return " ".join(f"{name} {version(name)}" for name in libraries or LIBRARIES)
