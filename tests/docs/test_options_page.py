"""docs/options.md names every option with its default: the page is compared with the code, option by option."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from conftest import ROOT

from multilabel.core.settings import read_yaml, settings
from multilabel.inputs.cleaning import CLEANINGS
from multilabel.inputs.tokenization import TOKENIZERS, TextInput, Tokenization
from multilabel.inputs.word_vectors import WORD_VECTORS
from multilabel.metrics.decoding import DECODINGS
from multilabel.models.ensembles import WEIGHTINGS, EnsembleSettings
from multilabel.models.fusions import FUSIONS, FusionInput
from multilabel.models.heads import HEADS
from multilabel.models.image_encoders import IMAGE_FAMILIES
from multilabel.models.image_input import ImageInput
from multilabel.models.limits import Limits
from multilabel.models.poolings import POOLINGS
from multilabel.models.text_encoders import TEXT_ENCODERS, choose_text_encoder
from multilabel.models.tuning import Tuning
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
    "image": {"": ImageInput, " ": Tuning, **IMAGE_FAMILIES},
    "text": {"": TextInput, " ": Tuning, "  ": Tokenization, **TEXT_ENCODERS, "hf": choose_text_encoder("hf/x", "")},
    "word_vectors": dict(WORD_VECTORS),
    "fusion": {"": FusionInput, **FUSIONS},
    "head": dict(HEADS),
    "train": {"": TrainingSettings},
    "loss": dict(LOSSES),
    "sampler": dict(SAMPLERS),
    "optimizer": dict(OPTIMIZERS),
    "schedule": dict(SCHEDULES),
    "augment": {"": Augmentation},
    "decoding": dict(DECODINGS),
    "ensemble": {"": EnsembleSettings},
    "limits": {"": Limits},
}
NAMES: dict[str, Any] = {
    "text": [*POOLINGS, *TOKENIZERS, *CLEANINGS],
    "augment": list(read_yaml(PRESETS)),
    "ensemble": list(WEIGHTINGS),
}


def expected(section: str) -> dict[str, str]:
    """Every option of a section with its default, as YAML in one line; `-` where there is none."""
    found = {}
    for owner, target in OWNERS[section].items():
        for option, parameter in settings(target).items():
            name = f"{owner.strip()}: {option}" if owner.strip() else option
            default = parameter.default
            value = list(default) if isinstance(default, tuple) else default
            found[name] = (
                "-" if default is parameter.empty else yaml.safe_dump(value, default_flow_style=True).split("\n")[0]
            )
    return found


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
