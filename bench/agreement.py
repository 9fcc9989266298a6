"""`python -m bench.agreement`: how far each way of using a model is from what `evaluate` said of the records of test.

Asks every model of `models/`, of a repository whose pipeline has run, about all records of its test split.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.machine import RESULTS
from bench.serving import HEADERS, body, served
from bench.session import Session
from multilabel import Classifier
from multilabel.core.errors import UserError
from multilabel.core.files import read_json
from multilabel.core.paths import ABLATIONS, BEST, MODELS, PREDICTIONS
from multilabel.data.dataset import load_split
from multilabel.data.records import read_images
from multilabel.export.folders import EXPORT, export
from multilabel.inference.torch_network import TorchNetwork
from multilabel.metrics.predictions import PROBABILITY
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.folder import Description, size_mb
from multilabel.models.settings import NetworkSettings

AT_ONCE = 64  # records of a request


@dataclass(frozen=True)
class Asked:
    """The records of a test split."""

    ids: list[str]
    images: list[bytes | None]
    texts: list[str]

    def of(self, classifier: Classifier) -> list[tuple[bytes | None, str | None]]:
        """What a model reads of each record."""
        reads = classifier.reads
        return [
            (image if "image" in reads else None, text if "text" in reads else None)
            for image, text in zip(self.images, self.texts, strict=True)
        ]


@dataclass(frozen=True)
class Said:
    """Of N records, in order."""

    labels: list[set[str]]
    probabilities: NDArray[np.float32]  # (N, L)


def main() -> None:
    """Measure, and write agreement.json."""
    parser = argparse.ArgumentParser(description="Hold each way of predicting against what evaluate said.")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"folder of agreement.json: {RESULTS}")
    given = parser.parse_args()
    session = Session(given.out / "agreement.json", command="python -m bench.agreement")
    found: dict[str, Any] = {}
    for folder in folders():
        found[folder.name] = measured(folder)
        session.say(f"{folder.name}: {found[folder.name]['ways']}")
        session.results.add("models", found)


def folders() -> list[Path]:
    """Of the models that have said something of test."""
    found = sorted(path.parent for path in MODELS.glob("*/*/settings.json"))
    trained = [folder for folder in found if folder.parent not in (ABLATIONS, BEST)]
    return [folder for folder in trained if (PREDICTIONS / folder.name / "test.parquet").exists()]


def measured(folder: Path) -> dict[str, Any]:
    """Of one model: each way against `evaluate`, the graph against its network in single precision, and int8."""
    asked = test_records(folder.parent.name)
    known = evaluated(folder)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        export(folder, scratch / "fp32")
        ways = {way: ask(folder, asked, scratch) for way, ask in WAYS.items()}
        found = {"records": len(asked.ids), "ways": {way: difference(said, known) for way, said in ways.items()}}
        classifier = Classifier.load(folder)
        if isinstance(classifier.description.settings, NetworkSettings):
            exact = difference(ways["ONNX"], in_single_precision(folder, asked))
            found["to_the_network"] = exact["largest"]
            found["int8"] = int8(folder, scratch / "int8")
    return found


def test_records(dataset: str) -> Asked:
    """All of them."""
    split = load_split(dataset, "test")
    images = read_images(split.inputs.records, split.inputs.rows.tolist())
    return Asked(split.ids, images, split.inputs.texts)


def evaluated(folder: Path) -> Said:
    """What `evaluate` wrote down."""
    table = pd.read_parquet(PREDICTIONS / folder.name / "test.parquet")
    labels = Classifier.load(folder).description.labels
    names = dict(zip(labels.ids, labels.names, strict=True))
    sets = [{names[label] for label in row} for row in table["predicted"]]
    return Said(sets, table[[PROBABILITY + label for label in labels.ids]].to_numpy(np.float32))


def difference(said: Said, known: Said) -> dict[str, Any]:
    """The largest of a probability, and the records that have another label set."""
    others = sum(own != other for own, other in zip(said.labels, known.labels, strict=True))
    return {"largest": float(np.abs(said.probabilities - known.probabilities).max()), "other_label_sets": others}


def in_python(folder: Path, asked: Asked, _: Path | None = None) -> Said:
    """All records in one call."""
    classifier = Classifier.load(folder)
    return _predicted(classifier, asked)


def in_single_precision(folder: Path, asked: Asked) -> Said:
    """The same by the network in fp32, whatever it was trained in."""
    model = Description.load(folder)
    settings = cast(NetworkSettings, model.settings)
    exact = replace(settings, prediction=replace(settings.prediction, precision="fp32"))
    network = NetworkClassifier.load(folder, exact, len(model.labels.ids))
    return _predicted(Classifier(model, TorchNetwork(network)), asked)


def exported(_: Path, asked: Asked, scratch: Path) -> Said:
    """By the graph."""
    return in_python(scratch / "fp32", asked)


def on_the_command_line(folder: Path, asked: Asked, scratch: Path) -> Said:
    """A folder of images and a table to CSV."""
    classifier = Classifier.load(folder)
    command = [str(Path(sys.executable).with_name("multilabel")), "predict", str(folder), "--all", "--quiet"]
    table = pd.DataFrame({"id": asked.ids, "text": asked.texts})
    if "image" in classifier.reads:
        images = scratch / "images"
        images.mkdir()
        table["image"] = [f"{number}.jpg" for number in range(len(asked.ids))]
        for name, image in zip(table["image"], asked.images, strict=True):
            (images / name).write_bytes(image or b"")
        command += ["--images", str(images)]
    table.to_csv(scratch / "new.csv", index=False)
    command += ["--table", str(scratch / "new.csv"), "--out", str(scratch / "said.csv")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    said = pd.read_csv(scratch / "said.csv", dtype={"labels": str}, keep_default_na=False)
    sets = [set(filter(None, labels.split(";"))) for labels in said["labels"]]
    return Said(sets, said[[PROBABILITY + name for name in classifier.labels]].to_numpy(np.float32))


def over_http(folder: Path, asked: Asked, _: Path) -> Said:
    """So many records a request."""
    classifier = Classifier.load(folder)
    records = asked.of(classifier)
    answers: list[Mapping[str, Any]] = []
    with served(folder) as server:
        for start in range(0, len(records), AT_ONCE):
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.request("POST", "/predict", body(records[start : start + AT_ONCE]), HEADERS)
            answers += json.loads(connection.getresponse().read())["predictions"]
    probabilities = [[answer["probabilities"][name] for name in classifier.labels] for answer in answers]
    return Said([set(answer["labels"]) for answer in answers], np.array(probabilities, np.float32))


Way = Callable[[Path, Asked, Path], Said]
WAYS: dict[str, Way] = {
    "Python": in_python,
    "multilabel predict": on_the_command_line,
    "HTTP": over_http,
    "ONNX": exported,
}


def int8(folder: Path, out: Path) -> dict[str, Any] | None:
    """MB and score on valid of a graph of 8 bits; None where the network has none."""
    try:
        export(folder, out, int8=True)
    except UserError:
        return None
    known: Mapping[str, Any] = read_json(out / EXPORT)["networks"]["."]["int8_on_valid"]
    return {"size_mb": size_mb(out), "fp32_size_mb": size_mb(out.with_name("fp32")), **known}


def _predicted(classifier: Classifier, asked: Asked) -> Said:
    records = asked.of(classifier)
    reads = classifier.reads
    found = classifier.predict(
        [image for image, _ in records] if "image" in reads else None,
        [text for _, text in records] if "text" in reads else None,
    )
    return Said([set(labels) for labels in found.labels], found.probabilities)


if __name__ == "__main__":
    main()
