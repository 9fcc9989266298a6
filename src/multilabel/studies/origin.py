"""Whether the data behind a figure are generated, or a file that someone has."""

from pathlib import Path

from multilabel.basics.params import read_block
from multilabel.basics.paths import PARAMS
from multilabel.studies.places import ROOT

GENERATED = "generated"


def origin(dataset: str) -> str:
    """The name of the root pipeline's source, as every table shows it."""
    source = read_block("datasets", dataset, ROOT / PARAMS)["source"]
    return GENERATED if source == "synthetic" else Path(source).name
