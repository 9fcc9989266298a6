"""The whole of `params.yaml`: every section checked by its owner, and every name followed that one block says of another."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from multilabel.core.errors import UserError, noting
from multilabel.core.paths import ABLATIONS, BEST, PARAMS
from multilabel.core.ranges import Seed
from multilabel.core.registry import choose, closest, shown, suggestion
from multilabel.core.settings import as_block, check_name, inherit, parsed, read_section, typed
from multilabel.core.yaml_files import read_yaml
from multilabel.data.sources import Dataset, IngestSettings, parse_dataset
from multilabel.data.splits import SplitSettings
from multilabel.data.submission import SubmissionSettings
from multilabel.models.evaluation import EvaluationSettings
from multilabel.models.limits import Limits
from multilabel.reporting.settings import EdaSettings, ExplanationSettings, ReportSettings
from multilabel.training.architectures import resolve
from multilabel.training.settings import Architecture, resolve_training

T = TypeVar("T")
Block = Mapping[str, Any]
COMMAND = re.compile(r"[\w./][\w./:=,@%+-]*( +[\w./:=,@%+-]+)*", re.ASCII)
OWNERS = {ABLATIONS.name: "ablations", BEST.name: "best models"}  # of folders beside those of the datasets
NOTHING = "nothing"  # what a constant reads
STAND_IN: Block = {
    "epochs": 1,
    "batch_size": 1,
    "lr": 0.001,
}  # for a `train:` with mistakes, so that those of blocks are found too


@dataclass(frozen=True, kw_only=True)
class Params:
    """What `params.yaml` says, section by section; `train:` is part of the architectures that it holds for."""

    seed: int
    launcher: str
    ingest: IngestSettings
    datasets: Mapping[str, Dataset]
    eda: EdaSettings
    split: SplitSettings
    architectures: Mapping[str, Architecture]
    ablations: Mapping[str, Architecture]
    evaluate: EvaluationSettings
    explanations: Mapping[str, ExplanationSettings]
    limits: Limits
    submission: Mapping[str, SubmissionSettings]
    report: ReportSettings


def read(path: Path = PARAMS) -> Params:
    """All of a file; raises `UserError` with a line for every mistake in it."""
    return sound(read_yaml(path))


def sound(raw: object) -> Params:
    """The same of a file's content."""
    params, mistakes = _parse(raw)
    if params is None:
        raise UserError(*mistakes)
    return params


def check_studies(path: Path) -> list[str]:
    """The names in `studies/params.yaml`, which become words of shell commands."""
    mistakes: list[str] = []
    with noting(mistakes):
        for name, block in as_block(read_section("studies", path), "studies").items():
            with noting(mistakes):
                check_name(name, "studies")
            with noting(mistakes):
                check_name(as_block(block, f"studies.{name}").get("dataset"), f"studies.{name}.dataset")
    return [f"{path} {line}" for line in mistakes]


def cautions(params: Params) -> Iterator[str]:
    """What is allowed, but probably not meant."""
    read = {architecture.model.dataset for architecture in params.architectures.values()}
    for name in params.datasets:
        if name not in read:
            yield f"datasets.{name}: no architecture reads it; it is described, and nothing is trained"


def _launcher(given: object, where: str) -> str:
    """It becomes part of a shell command."""
    command: str = typed(str, given, where)
    if not COMMAND.fullmatch(command):
        raise UserError(
            f"{where}: {shown(command)} is no plain command; use words such as accelerate launch --multi_gpu"
        )
    return command


SECTIONS: dict[str, Callable[[object, str], Any]] = {
    "seed": partial(typed, Seed),
    "launcher": _launcher,
    "ingest": partial(parsed, IngestSettings),
    "eda": partial(parsed, EdaSettings),
    "split": partial(parsed, SplitSettings),
    "evaluate": partial(parsed, EvaluationSettings),
    "limits": partial(parsed, Limits),
    "report": partial(parsed, ReportSettings),
}
OF_BLOCKS = (
    "datasets",
    "architectures",
    "ablations",
    "explanations",
    "submission",
)  # sections that hold blocks by name
KNOWN = (*SECTIONS, "train", *OF_BLOCKS)


def _parse(raw: object) -> tuple[Params | None, list[str]]:
    """The parameters where there is no mistake, and the mistakes."""
    if not isinstance(raw, Mapping):
        return None, [
            f"{PARAMS}: expected sections such as `seed:` and `datasets:`, got {shown(raw)}; restore the file"
        ]
    mistakes = _misnamed(raw)
    found: dict[str, Any] = {}
    for section, parse in SECTIONS.items():
        if section in raw:
            with noting(mistakes):
                found[section] = parse(raw[section], section)
    found |= _Blocks(raw, mistakes).parsed(found.get("seed", 0))
    mistakes = list(dict.fromkeys(mistakes))  # members of an ensemble are looked at twice
    return (None if mistakes else Params(**found)), mistakes


def _misnamed(raw: Mapping[Any, Any]) -> list[str]:
    """A line for each section that is not known, and for each that is missing and was not merely misspelt."""
    unknown = [name for name in raw if name not in KNOWN]
    missing = [name for name in KNOWN if name not in raw]
    misspelt = {closest(name, missing) for name in unknown}
    lines = [f"{shown(name)}: unknown section; {suggestion(name, missing or list(KNOWN))}" for name in unknown]
    return lines + [f"{name}: the section is missing; add it to {PARAMS}" for name in missing if name not in misspelt]


class _Blocks:
    """The sections that hold blocks by name, and what one block says of another."""

    def __init__(self, raw: Mapping[str, Any], mistakes: list[str]) -> None:
        """`mistakes` grows by whatever is found."""
        self.mistakes = mistakes
        self.there: dict[str, Mapping[Any, Any] | None] = {}  # what a name may lead to; None where nobody can know
        self.sound: dict[str, dict[str, Block]] = {}  # blocks with usable names
        for section in OF_BLOCKS:
            given = raw.get(section)
            self.there[section] = given if isinstance(given, Mapping) else None
            if section in raw and self.there[section] is None:
                mistakes.append(
                    f"{section}: expected blocks by name, got {shown(given)}; write `{section}: {{}}` for none"
                )
            self.sound[section] = {}
            for name, block in (self.there[section] or {}).items():
                with noting(mistakes):
                    self.sound[section][check_name(name, section)] = as_block(block, f"{section}.{name}")
        self.train = self._train(raw)
        self.datasets = self._each("datasets", self._dataset)
        self.architectures: dict[str, Block] = {}  # laid over their bases
        for name in self.sound["architectures"]:
            with noting(mistakes):
                self.architectures[name] = inherit(self.sound["architectures"], name, "architectures")

    def parsed(self, seed: int) -> dict[str, dict[str, Any]]:
        """All sections of blocks."""
        return {
            "datasets": self.datasets,
            "architectures": self._each("architectures", partial(self._architecture, seed)),
            "ablations": self._each("ablations", partial(self._ablation, seed)),
            "explanations": self._each("explanations", self._explanation),
            "submission": self._each("submission", self._submission),
        }

    def _each(self, section: str, parse: Callable[[str, Block], T | None]) -> dict[str, T]:
        found = {}
        for name, block in self.sound[section].items():
            with noting(self.mistakes):
                one = parse(name, block)
                if one is not None:
                    found[name] = one
        return found

    def _train(self, raw: Mapping[str, Any]) -> Block:
        with noting(self.mistakes):
            train = as_block(raw.get("train", STAND_IN), "train")
            resolve_training(train, {}, "train")
            return train
        return STAND_IN

    def _follow(self, section: str, name: str, where: str) -> None:
        """Raises `UserError` for a name that leads nowhere."""
        there = self.there[section]
        if there is not None:
            choose(section.removesuffix("s"), there, name, where)

    def _dataset(self, name: str, block: Block) -> Dataset:
        if name in (ABLATIONS.name, BEST.name):
            raise UserError(f"datasets.{name}: models/{name}/ belongs to the {OWNERS[name]}; choose another name")
        return parse_dataset(name, block)

    def _architecture(self, seed: int, name: str, block: Block) -> Architecture | None:
        laid = self.architectures.get(name)
        if laid is None:
            return None
        if "dataset" in laid and "dataset" not in block:
            raise UserError(
                f"architectures.{name}: 'dataset' is missing; DVC reads it in each block, so repeat that of its base"
            )
        if isinstance(laid.get("dataset"), str):
            with noting(self.mistakes):
                self._follow("datasets", laid["dataset"], f"architectures.{name}.dataset")
        found = resolve(name, self.architectures, self.train, seed)
        self._offered(found, f"architectures.{name}")
        return found

    def _offered(self, architecture: Architecture, where: str) -> None:
        """Raises `UserError` where records of the dataset can have nothing of what is read."""
        dataset = self.datasets.get(architecture.model.dataset)
        for part in architecture.model.modality.split("+"):
            if dataset and part != NOTHING and part not in dataset.reader.offers:
                raise UserError(
                    f"{where}: reads the {part}, and records of {architecture.model.dataset!r} have none; take `{part}:` out, "
                    f"or name the column in datasets.{architecture.model.dataset}.columns"
                )

    def _ablation(self, seed: int, name: str, block: Block) -> Architecture | None:
        """What it says wrong after its base has said it already is left out."""
        where, base = f"ablations.{name}", block.get("base")
        for section in ("architectures", "datasets"):
            if name in self.sound[section]:
                raise UserError(f"{where}: {name!r} stands in {section}: already; choose another name")
        if base is None:
            raise UserError(f"{where}: 'base' is missing; name the architecture that it changes")
        self._follow("architectures", base, f"{where}.base")
        if base not in self.architectures:
            return None
        laid = inherit({**self.architectures, name: block}, name, "ablations")
        if laid.get("dataset") != self.architectures[base].get("dataset"):
            raise UserError(f"{where}.dataset: an ablation is compared with its base on the same records; take it out")
        lines: list[str] = []
        with noting(lines):
            return resolve(name, {**self.architectures, name: laid}, self.train, seed, "ablations")
        self.mistakes += [line for line in lines if line.replace(where, f"architectures.{base}") not in self.mistakes]
        return None

    def _explanation(self, name: str, block: Block) -> ExplanationSettings | None:
        where = f"explanations.{name}"
        settings = parsed(ExplanationSettings, block, where)
        self._follow("architectures", settings.of, f"{where}.of")
        self._follow("datasets", settings.dataset, f"{where}.dataset")
        explained = self.architectures.get(settings.of)
        if explained is None:
            return None
        for kind in ("baseline", "ensemble"):
            if explained.get(kind) is not None:
                raise UserError(f"{where}.of: {settings.of!r} has a `{kind}:`, and networks alone can be explained; "
                                f"name one")  # fmt: skip
        if explained.get("dataset") != settings.dataset:
            raise UserError(f"{where}.dataset: {settings.of!r} reads {shown(explained.get('dataset'))}; write that")
        return settings

    def _submission(self, name: str, block: Block) -> SubmissionSettings | None:
        where = f"submission.{name}"
        settings = parsed(SubmissionSettings, block, where)
        self._follow("datasets", name, where)
        if not any(laid.get("dataset") == name for laid in self.architectures.values()):
            raise UserError(f"{where}: no architecture reads {name!r}; take the block out")
        dataset = self.datasets.get(name)
        if dataset and dataset.generated and not dataset.generated.unlabelled:
            raise UserError(
                f"{where}: datasets.{name}.synthetic has no unlabelled records to submit; take the block out"
            )
        return settings
