"""A model folder without the weights: settings, labels, decodings, how it came about; read without torch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from multilabel.core.errors import UserError, refused
from multilabel.core.files import read_json, write_json
from multilabel.core.settings import from_json, to_json
from multilabel.data.labels import Labels
from multilabel.metrics.decoding import Decoding
from multilabel.models.settings import AnySettings

# Raise it when `load` reads what an older version of this library did not write; folders of format 1 lack FORMAT_FILE.
FORMAT = 2
FORMAT_FILE = "format.json"
SEEDS = "seeds"  # folder of an architecture's other trainings, which its scores are of and nothing predicts with
MB = 2**20  # as the competition's limit counts
SAID = 150  # characters of what a library says


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


@dataclass(frozen=True, kw_only=True)
class Description:
    """What the outputs of a model mean, and how it came about."""

    settings: AnySettings
    labels: Labels
    rules: dict[str, Decoding]  # every decoding, fitted on valid
    rule: str  # the one that counts
    training: Training

    @property
    def decoding(self) -> Decoding:
        """How probabilities become labels."""
        return self.rules[self.rule]

    def save(self, folder: Path) -> None:
        """As JSON."""
        write_json(folder / FORMAT_FILE, {"format": FORMAT})
        write_json(folder / "settings.json", to_json(self.settings))
        rules = {name: decoding.as_json() for name, decoding in self.rules.items()}
        write_json(folder / "decoding.json", {"rule": self.rule, "rules": rules})
        write_json(folder / "training.json", to_json(self.training))
        self.labels.save(folder / "labels.json")

    @classmethod
    def load(cls, folder: Path) -> "Description":
        """The inverse of `save`; raises `UserError` for what is no model folder, or one that cannot be read."""
        settings = _settings(folder)
        stored = read_json(folder / "decoding.json")
        rules = {name: Decoding(**rule) for name, rule in stored["rules"].items()}
        labels, rule = Labels.load(folder / "labels.json"), stored["rule"]
        return cls(settings=settings, labels=labels, rules=rules, rule=rule, training=read_training(folder))


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Whatever a library says of a damaged model folder while it is read is a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise (refused(error) if error.errno else _damaged(folder, error)) from None
    except Exception as error:  # noqa: BLE001 (readers of JSON, safetensors, tokenizers and ONNX raise what they like)
        raise _damaged(folder, error) from None


def _damaged(folder: Path, error: Exception) -> UserError:
    said = f"{type(error).__name__}: {error}".partition("\n")[0][:SAID]
    return UserError(f"{folder}: is damaged, or not whole ({said}); fetch it again, or train it again with `dvc repro`")


def read_training(folder: Path) -> Training:
    """How the model in `folder` came about."""
    training: Training = from_json(Training, read_json(folder / "training.json"))
    return training


def read_trainings(folder: Path) -> list[Training]:
    """The same of each of its seeds, the first of which predicts."""
    return [read_training(one) for one in (folder, *sorted((folder / SEEDS).glob("*")))]


def size_mb(folder: Path) -> float:
    """What a model folder takes on disk, but for its other trainings."""
    files = (file for file in folder.rglob("*") if SEEDS not in file.relative_to(folder).parts)
    return sum(file.stat().st_size for file in files if file.is_file()) / MB


def _settings(folder: Path) -> AnySettings:
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
