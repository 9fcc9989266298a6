"""docs/options.md names every option with its default: the page is compared with the code, option by option."""

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest
import yaml
from conftest import ROOT

from multilabel.core.settings import Choice, settings
from multilabel.core.yaml_files import read_yaml
from multilabel.data.labels import LABEL_NAMES
from multilabel.data.readers import FORMATS
from multilabel.data.sources import DatasetSettings, Generated, IngestSettings
from multilabel.data.splits import SplitSettings
from multilabel.data.submission import SubmissionSettings
from multilabel.inputs.cleaning import CLEANINGS
from multilabel.inputs.image_input import ImageInput
from multilabel.inputs.tokenization import TOKENIZERS, TextInput, Tokenization
from multilabel.inputs.word_vectors import WORD_VECTORS
from multilabel.metrics.decoding import DECODINGS
from multilabel.metrics.scores import METRICS
from multilabel.models.baselines import BASELINES
from multilabel.models.ensembles import WEIGHTINGS, EnsembleBlock
from multilabel.models.evaluation import EvaluationSettings
from multilabel.models.fusions import FUSIONS
from multilabel.models.heads import HEADS
from multilabel.models.image_encoders import IMAGE_FAMILIES
from multilabel.models.limits import Limits
from multilabel.models.poolings import POOLINGS
from multilabel.models.settings import FusionInput, PredictionSettings, Tuning
from multilabel.models.text_encoders import TEXT_ENCODERS, choose_text_encoder
from multilabel.reporting.settings import EdaSettings, ExplanationSettings, ReportSettings
from multilabel.training.augmentation import PRESETS, Augmentation
from multilabel.training.losses import LOSSES
from multilabel.training.optimizers import OPTIMIZERS
from multilabel.training.samplers import SAMPLERS
from multilabel.training.schedules import SCHEDULES
from multilabel.training.settings import TrainingSettings

PAGE = (ROOT / "docs" / "options.md").read_text()
SECTIONS = dict(re.findall(r"^## `(\w+)`.*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))

# Section of the page -> what owns its options: a name before the colon is how the page writes `name: option`.
OWNERS: dict[str, dict[str, Callable[..., Any]]] = {
    "datasets": {"": DatasetSettings, "synthetic": Generated, **FORMATS},
    "split": {"": SplitSettings},
    "baseline": dict(BASELINES),
    "image": {"": ImageInput, " ": Tuning, **IMAGE_FAMILIES},
    "text": {"": TextInput, " ": Tuning, "  ": Tokenization, **TEXT_ENCODERS, "hf": choose_text_encoder("hf/x", "")},
    "word_vectors": dict(WORD_VECTORS),
    "fusion": {"": FusionInput, **FUSIONS},
    "head": dict(HEADS),
    "train": {"": TrainingSettings, " ": PredictionSettings},
    "loss": dict(LOSSES),
    "sampler": dict(SAMPLERS),
    "optimizer": dict(OPTIMIZERS),
    "schedule": dict(SCHEDULES),
    "augment": {"": Augmentation},
    "decoding": dict(DECODINGS),
    "ensemble": {"": EnsembleBlock, **WEIGHTINGS},
    "limits": {"": Limits},
    "sections": {
        "ingest": IngestSettings,
        "eda": EdaSettings,
        "evaluate": EvaluationSettings,
        "explanations": ExplanationSettings,
        "submission": SubmissionSettings,
        "report": ReportSettings,
    },
}
NAMES: dict[str, Any] = {  # names that options take
    "datasets": list(LABEL_NAMES),
    "text": [*POOLINGS, *TOKENIZERS, *CLEANINGS],
    "train": list(METRICS),
    "augment": list(read_yaml(PRESETS)),
}


def expected(section: str) -> dict[str, str]:
    """Every option of a section with its default, as YAML in one line; `-` where there is none."""
    return {
        f"{owner.strip()}: {option}" if owner.strip() else option: shown(default_of(target, parameter))
        for owner, target in OWNERS[section].items()
        for option, parameter in settings(target).items()
    }


def default_of(target: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The default of one option; a dataclass may make it anew for each object."""
    made = {f.name: f.default_factory for f in fields(target)} if is_dataclass(target) else {}
    factory = made.get(parameter.name, MISSING)
    return parameter.default if factory is MISSING else factory()


def shown(default: Any) -> str:
    """A default as one writes it in YAML: a choice by its name, an augmentation that changes nothing as `none`."""
    if default is inspect.Parameter.empty:
        return "-"
    if isinstance(default, Choice):
        assert not default.options
        return default.name
    if default == Augmentation():
        return "none"
    value = list(default) if isinstance(default, tuple) else default
    return yaml.safe_dump(value, default_flow_style=True).split("\n")[0]


def written(section: str) -> dict[str, str]:
    """The rows of the tables of a section: one option, or several owners with the same one."""
    rows = {}
    for options, default in re.findall(r"^\| `([^|]+?)` \| `?([^|`]+?)`? \|", SECTIONS[section], re.MULTILINE):
        owners, _, option = options.rpartition(": ")
        for owner in owners.split(", "):
            rows[f"{owner}: {option}" if owner else option] = default
    return rows


def test_the_page_has_a_section_for_every_table() -> None:
    assert set(SECTIONS) == set(OWNERS)


@pytest.mark.parametrize("section", OWNERS)
def test_every_option_is_there_with_its_default(section: str) -> None:
    assert written(section) == expected(section)


@pytest.mark.parametrize("section", OWNERS)
def test_every_name_is_explained(section: str) -> None:
    names = {owner.strip() for owner in OWNERS[section]} | set(NAMES.get(section, [])) - {""}
    assert not [name for name in names if name and f"`{name}`" not in SECTIONS[section] and f"`{name}/" not in SECTIONS[section]
                and f"`{name}: " not in SECTIONS[section]]  # fmt: skip
