"""`multilabel export`: a model folder for others, as it is or as ONNX graphs."""

import json
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from multilabel.cli.subcommand import Subcommand
from multilabel.core.errors import UserError

NEEDED = ("onnx", "onnxruntime", "onnxscript")


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("model", type=Path, help="a model folder, such as models/captions/resnet18_bigru")
    parser.add_argument("out", type=Path, help="a folder that is not there yet")
    parser.add_argument(
        "--format",
        choices=("onnx", "folder"),
        default="onnx",
        help="onnx runs without torch; folder is a copy (default: onnx)",
    )
    parser.add_argument("--int8", action="store_true", help="8 bits, calibrated on valid, with what that costs there")
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")


def run(given: Namespace) -> None:
    """Write the folder."""
    if given.format == "folder":
        from multilabel.export.folders import hand_on

        if given.int8:
            raise UserError("--int8: belongs to --format onnx; take one of both out")
        hand_on(given.model, given.out)
        about: dict[str, Any] = {"networks": {}}
    else:
        lacking = [name for name in NEEDED if find_spec(name) is None]
        if lacking:
            raise UserError(f"export to ONNX needs {', '.join(lacking)}; `pip install -r requirements-serve.txt`")
        from multilabel.export.folders import export

        about = export(given.model, given.out, given.int8)
    from multilabel.models.folder import size_mb

    if given.json:
        print(json.dumps({"out": str(given.out), "size_mb": round(size_mb(given.out), 3), **about}))
        return
    print(f"{given.out}: {size_mb(given.out):.1f} MB, with its card in README.md")
    for name, known in about["networks"].items():
        part = "" if name == "." else f"{name}: "
        print(
            f"{part}the graph is within {known['largest_difference']:.1e} of the network (probabilities, random records)"
        )
        if cost := known.get("int8_on_valid"):
            low, high = cost["difference_ci_low"], cost["difference_ci_high"]
            print(f"{part}int8 on {cost['records']} records of valid: samples-F1 {cost['f1_samples']:.4f}, "
                  f"{cost['difference']:+.4f} ({low:+.4f} to {high:+.4f})")  # fmt: skip


EXPORT = Subcommand(
    name="export",
    help="write a folder for others: ONNX that runs without torch, or a copy with its card",
    description="Write a model folder to hand on, with its card and its scores. As ONNX (the default) `multilabel predict`, "
    "`multilabel serve` and `Classifier.load` use it without torch; each graph is compared with its network before it is kept.",
    configure=configure,
    run=run,
)
