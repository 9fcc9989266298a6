"""A trained model as a folder that is enough to predict with, and as an object that does."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from multilabel.core.errors import UserError
from multilabel.core.files import read_json, write_json
from multilabel.core.settings import from_json, to_json
from multilabel.data.labels import Labels
from multilabel.metrics.decoding import Decoding
from multilabel.models.classifiers import MB, Classifier, load_classifier
from multilabel.models.settings import AnySettings

FORMAT = 2  # of a model folder; raise it when `load` reads what an older version of this library would not write
FORMAT_FILE = "format.json"  # which folders of format 1 lack; all else is the same


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a model came about."""

    epochs: int
    best_epoch: int
    seconds: float  # of all processes
    device: str
    valid: Mapping[str, float | None]  # its scores on valid, decoded as it decodes
    emptied_texts: int = 0  # training texts of which cleaning leaves nothing
    member_weights: Mapping[str, float] | None = None  # of an ensemble, averaged over labels


@dataclass(frozen=True)
class Model:
    """A classifier with what its outputs mean, and how it came about."""

    settings: AnySettings
    labels: Labels
    rules: dict[str, Decoding]  # every decoding, fitted on valid
    rule: str  # the one that counts
    training: Training
    classifier: Classifier

    @property
    def decoding(self) -> Decoding:
        """How probabilities become labels."""
        return self.rules[self.rule]

    def save(self, folder: Path) -> None:
        """Into an empty folder; safetensors and JSON only."""
        write_json(folder / FORMAT_FILE, {"format": FORMAT})
        write_json(folder / "settings.json", to_json(self.settings))
        rules = {name: decoding.as_json() for name, decoding in self.rules.items()}
        write_json(folder / "decoding.json", {"rule": self.rule, "rules": rules})
        write_json(folder / "training.json", to_json(self.training))
        self.labels.save(folder / "labels.json")
        self.classifier.save(folder)

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """The inverse of `save`; raises `UserError` for what is no model folder, or one that cannot be read."""
        settings = read_settings(folder)
        labels, stored = Labels.load(folder / "labels.json"), read_json(folder / "decoding.json")
        rules = {name: Decoding(**rule) for name, rule in stored["rules"].items()}
        classifier = load_classifier(folder, settings, len(labels.ids))
        return cls(settings, labels, rules, stored["rule"], read_training(folder), classifier)


def read_settings(folder: Path) -> AnySettings:
    """What the model in `folder` is made of, without loading it; raises `UserError` as `Model.load` does."""
    if not (folder / "settings.json").is_file():
        raise UserError(f"{folder}: is no model folder (it has no settings.json); name one, as in models/<dataset>/<name>, "
                        f"or let `dvc repro` or `dvc pull` make it")  # fmt: skip
    found = read_json(folder / FORMAT_FILE)["format"] if (folder / FORMAT_FILE).exists() else 1
    if found > FORMAT:
        raise UserError(
            f"{folder}: has format {found}, and this version of multilabel reads up to {FORMAT}; install a newer one"
        )
    try:
        settings: AnySettings = from_json(AnySettings, read_json(folder / "settings.json"))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise UserError(f"{folder}: its settings are not those of this version of multilabel (the first is {where}); train it "
                        f"again with `dvc repro`, or install the version that wrote it") from None  # fmt: skip
    return settings


def read_training(folder: Path) -> Training:
    """How the model in `folder` came about, without loading it."""
    training: Training = from_json(Training, read_json(folder / "training.json"))
    return training


def size_mb(folder: Path) -> float:
    """What a model folder takes on disk."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MB
