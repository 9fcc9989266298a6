"""What a model is asked about: some records of a records file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Inputs:
    """Some records of a records file: their row numbers in it, and their texts."""

    records: Path
    rows: NDArray[np.int_]
    texts: list[str]
