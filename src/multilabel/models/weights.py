"""Weights of an image encoder from a file or an installed package, compared with the network by name and shape."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from multilabel.core.errors import UserError
from multilabel.models.packages import PACKAGE, package, package_path

PRETRAINED = "pretrained"
WHERE = "image.weights"


def fill(network: nn.Module, weights: str | None, encoder: str) -> None:
    """Load a state into the network of `encoder`; entries of a classifier that the network lacks are passed over.

    Nothing happens for None (random) and `pretrained`, which the network's own library fetches. Raises `UserError` for what
    is no state, or one of another network.
    """
    if weights in (None, PRETRAINED):
        return
    path, names = weights_file(str(weights), encoder), {name: name for name in network.state_dict()}
    if str(weights).startswith(PACKAGE) and (renamed := package(str(weights), WHERE).names):
        names = renamed(names)
    state, own = _read(path, str(weights)), network.state_dict()
    unfit = [name for name in own if names[name] not in state or state[names[name]].shape != own[name].shape]
    if unfit:
        raise UserError(
            f"{WHERE}: {weights} does not fit {encoder}: {len(unfit)} of {len(own)} entries are missing or of "
            f"another shape, the first is {unfit[0]!r}; name the encoder that the file was made with"
        )
    network.load_state_dict({name: state[names[name]] for name in own})


def weights_file(weights: str, encoder: str, where: str = WHERE) -> Path:
    """The file that `weights` of `encoder` names; raises `UserError` where there is none."""
    if weights.startswith(PACKAGE):
        made_for = package(weights, where).encoder
        if encoder.partition(".")[0] != made_for:
            raise UserError(f"{where}: {weights} holds weights of {made_for}, not of {encoder}; "
                            f"write `encoder: {made_for}`")  # fmt: skip
        return package_path(weights, where)
    if not Path(weights).is_file():
        raise UserError(
            f"{where}: {weights}: no such file; write null (random), pretrained, package/<name>, or a file of weights"
        )
    return Path(weights)


def _read(path: Path, weights: str) -> dict[str, Any]:
    try:
        safe = path.suffix == ".safetensors"
        state = load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with a file)
        raise UserError(f"{WHERE}: {weights} holds no plain tensors ({type(error).__name__}); "
                        f"store the network's state_dict, best as .safetensors") from None  # fmt: skip
    return state.get("state_dict", state)
