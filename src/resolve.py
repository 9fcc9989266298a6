"""Check every architecture and ablation before the first one trains, and write down all settings of each.

Each network is built once without memory for its weights, so that a typo in the last block shows now. A run depends on
its own file only: changing a default retrains just the runs that use it.
"""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import init_empty_weights

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import RESOLVED
from multilabel.core.settings import read_params, without
from multilabel.models.network import build
from multilabel.training.architectures import resolve as resolve_block


def resolve() -> None:
    """Write data/resolved/<name>.json for every block of `architectures:` and `ablations:`."""
    params = read_params()
    architectures = params["architectures"]
    blocks = {name: block or {} for name, block in architectures.items()}
    for name, variant in (params.get("ablations") or {}).items():
        blocks[name] = _varied(name, variant or {}, architectures)
    resolved = {name: resolve_block(name, blocks, params["train"], params["seed"]) for name in blocks}
    for settings in resolved.values():
        _check(settings, params["datasets"])
        _advise(settings)

    with replacing_folder(RESOLVED) as folder:
        for name, settings in resolved.items():
            write_json(folder / f"{name}.json", settings)
    print(f"{len(architectures)} architectures and {len(resolved) - len(architectures)} ablations are sound")


def _varied(name: str, variant: Mapping[str, Any], architectures: Mapping[str, Any]) -> dict[str, Any]:
    """The base architecture's block with the overrides of an ablation: null removes a part, a mapping changes keys."""
    base = variant.get("base")
    if base not in architectures:
        raise UserError(
            f"ablations.{name}.base: {base!r} is no architecture; choose one of: {', '.join(architectures)}"
        )
    if name in architectures:
        raise UserError(f"ablations.{name}: an architecture has that name already; choose another")
    block = dict(architectures[base])
    for part, change in without(variant, "base").items():
        old = block.get(part)
        block[part] = {**old, **change} if isinstance(old, Mapping) and isinstance(change, Mapping) else change
    return block


def _check(settings: Mapping[str, Any], datasets: Mapping[str, Any]) -> None:
    if settings["dataset"] not in datasets:
        raise UserError(f"architectures.{settings['name']}.dataset: {settings['dataset']!r} is not in datasets:; "
                        f"choose one of: {', '.join(datasets)}")  # fmt: skip
    for network in settings["ensemble"]["members"].values() if "ensemble" in settings else [settings]:
        if "baseline" not in network:
            _check_network(network)


def _advise(settings: Mapping[str, Any]) -> None:
    """Say what is allowed and measured to be bad: expected F1 believes probabilities, and some losses distort them."""
    train = settings.get("train") or {}
    loss, decoding = train.get("loss", {}), train.get("decoding", {})
    distorts = loss.get("name") in ("focal", "asymmetric") or loss.get("pos_weight") is not None
    if distorts and decoding.get("name") == "expected_f1":
        print(f"note: {settings['name']}: this loss distorts probabilities, which `decoding: expected_f1` believes; "
              f"take `decoding: global` or per_label")  # fmt: skip


def _check_network(settings: Mapping[str, Any]) -> None:
    """Build it without memory for its weights, and show it pictures of the size it will get."""
    text, image = settings["text"], settings["image"]
    with init_empty_weights():  # not torch.device("meta"): RegNet computes its widths with tensors
        net = build(settings, text.get("vocabulary", 0) if text else 0, labels=1)
    if image:
        net.to("meta")  # the buffers as well
        try:
            net.image(torch.zeros(2, 3, image["size"], image["size"], device="meta"))  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 (each network has its own way to refuse a size)
            reason = str(error).split("\n")[0][:120]
            raise UserError(f"architectures.{settings['name']}.image.size: {image['encoder']} cannot read pictures of "
                            f"{image['size']} px ({reason}); choose another size") from None  # fmt: skip


if __name__ == "__main__":
    run_stage(resolve)
