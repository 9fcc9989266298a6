"""What gives probabilities of records in memory: a network under torch or onnxruntime, a baseline, or several of them.

torch is imported where a network needs it, and only there: an exported model runs without.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from multilabel.core.files import read_json
from multilabel.core.settings import call_named, from_json
from multilabel.inference.examples import Example
from multilabel.inference.onnx_network import GRAPH, OnnxNetwork
from multilabel.models.baselines import BASELINES, Baseline
from multilabel.models.ensembles import Combination
from multilabel.models.settings import AnySettings, BaselineSettings, EnsembleSettings


class Engine(Protocol):
    """Anything that gives probabilities."""

    def probabilities(self, records: Sequence[Example]) -> NDArray[np.float32]:
        """(N, L) in the order of the records, of which there is at least one."""


class BaselineEngine:
    """A baseline, which reads the text."""

    def __init__(self, baseline: Baseline) -> None:
        """Wrap it."""
        self.baseline = baseline

    def probabilities(self, records: Sequence[Example]) -> NDArray[np.float32]:
        """From the texts, which `ExampleReader` asks for."""
        return self.baseline.probabilities([record.text or "" for record in records])


class EnsembleEngine:
    """What members say, each the mean over its folds, combined."""

    def __init__(self, members: Mapping[str, Sequence[Engine]], combination: Combination) -> None:
        """As `EnsembleClassifier`, which scores them on test."""
        self.members, self.combination = members, combination

    def probabilities(self, records: Sequence[Example]) -> NDArray[np.float32]:
        """Of all parts, one after the other."""
        return self.combination.probabilities(
            {name: np.mean([p.probabilities(records) for p in parts], axis=0) for name, parts in self.members.items()}
        )


def load_engine(folder: Path, settings: AnySettings, labels: int) -> Engine:
    """Of a model folder, exported or not."""
    if isinstance(settings, EnsembleSettings):
        stored, members = read_json(folder / "members.json"), settings.members
        parts = {
            name: [load_engine(folder / f"{name}_{i}", members[name], labels) for i in range(number)]
            for name, number in stored["parts"].items()
        }
        return EnsembleEngine(parts, from_json(Combination, stored["combination"]))
    if isinstance(settings, BaselineSettings):
        baseline = call_named(BASELINES, settings.baseline)
        baseline.load(folder)
        return BaselineEngine(baseline)
    if (folder / GRAPH).exists():
        return OnnxNetwork(folder, settings)
    from multilabel.inference.torch_network import TorchNetwork

    return TorchNetwork.load(folder, settings, labels)
