"""Folders to hand on: a model as it is, or with ONNX graphs in place of weights; each with its card and its scores."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.files import read_json, replacing_folder, write_json, write_text
from multilabel.core.settings import to_json
from multilabel.export.graph import OPSET, write_graph
from multilabel.export.int8 import quantize
from multilabel.export.parity import check_parity
from multilabel.inference.onnx_network import GRAPH
from multilabel.models.checksums import write_checksums
from multilabel.models.classifiers import WEIGHTS, NetworkClassifier
from multilabel.models.folder import SEEDS, Description, reading, size_mb
from multilabel.models.settings import AnySettings, EnsembleSettings, NetworkSettings
from multilabel.reporting.card import card
from multilabel.reporting.facts import FACTS, facts

CARD = "README.md"
EXPORT = "export.json"  # how the graphs of a folder were made, and how far they are from the networks


def hand_on(folder: Path, out: Path) -> None:
    """A copy of a model folder with its card and its scores."""
    model = _read(folder, out)
    with replacing_folder(out) as partial:
        _copy(folder, partial)
        _describe(folder, model, partial)
        write_checksums(partial, but=CARD)


def export(folder: Path, out: Path, int8: bool = False) -> dict[str, Any]:
    """The same with a graph in place of the weights of each network; what is known of the graphs, as `EXPORT` has it.

    `int8` makes graphs of 8 bits. A baseline runs without torch as it is.
    """
    model = _read(folder, out)
    if int8 and isinstance(model.settings, EnsembleSettings):
        raise UserError("--int8: an ensemble is exported in single precision only; export its members by themselves")
    if int8 and not isinstance(model.settings, NetworkSettings):
        raise UserError("--int8: a baseline has no network whose weights could take 8 bits; export it without --int8")
    about: dict[str, Any] = {"opset": OPSET, "precision": "int8" if int8 else "fp32", "networks": {}}
    with replacing_folder(out) as partial:
        _copy(folder, partial)
        for part, settings in _networks(partial, model.settings):
            classifier = NetworkClassifier.load(part, settings, len(model.labels.ids))
            write_graph(classifier, part / GRAPH)
            known: dict[str, Any] = {"largest_difference": check_parity(classifier, part)}
            if int8:
                known["int8_on_valid"] = quantize(part, settings, model.decoding)
            (part / WEIGHTS).unlink()
            about["networks"]["." if part == partial else part.name] = known
        write_json(partial / EXPORT, about)
        _describe(folder, model, partial, about)
        write_checksums(partial, but=CARD)
    return about


def _read(folder: Path, out: Path) -> Description:
    with reading(folder):
        model = Description.load(folder)
    if (folder / EXPORT).exists():
        raise UserError(f"{folder}: is exported already; name the folder that was trained")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is not empty; name a new folder")
    return model


def _copy(folder: Path, partial: Path) -> None:
    """Without the trainings by other seeds, with which nothing predicts; readable as any new file is, for whoever serves it."""
    ignored = shutil.ignore_patterns(SEEDS)
    shutil.copytree(folder, partial, dirs_exist_ok=True, ignore=ignored, copy_function=shutil.copyfile)


def _networks(folder: Path, settings: AnySettings) -> Iterator[tuple[Path, NetworkSettings]]:
    """The folder of each network, and its settings."""
    if isinstance(settings, NetworkSettings):
        yield folder, settings
    elif isinstance(settings, EnsembleSettings):
        for name, number in read_json(folder / "members.json")["parts"].items():
            member = settings.members[name]
            if isinstance(member, NetworkSettings):
                yield from ((folder / f"{name}_{i}", member) for i in range(number))


def _describe(folder: Path, model: Description, partial: Path, exported: dict[str, Any] | None = None) -> None:
    """In the format of this version, whatever the folder has."""
    model.save(partial)
    known = facts(folder, model.settings)
    write_json(partial / FACTS, to_json(known))
    write_text(partial / CARD, card(model, known, size_mb(partial), exported))
