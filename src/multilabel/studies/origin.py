"""Whether the data behind a figure are generated, or a file that someone has."""

from pathlib import Path

from multilabel.core.paths import PARAMS
from multilabel.core.settings import read_block
from multilabel.studies.places import ROOT

GENERATED = "generated"


def origin(dataset: str) -> str:
    """The name of the root pipeline's source, as every table shows it."""
    source = read_block("datasets", dataset, ROOT / PARAMS)["source"]
    return GENERATED if source == "synthetic" else Path(source).name
