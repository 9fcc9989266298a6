"""The settings of `eda:`, `report:` and of the blocks of `explanations:`: how much is shown, and of what."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

Shown = Annotated[int, Ge(0), Le(1000)]  # 0 leaves that part out


@dataclass(frozen=True, kw_only=True)
class EdaSettings:
    """How much is shown of a dataset."""

    top_words: Annotated[int, Ge(1), Le(1000)]
    max_sample_images: Shown


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """How much is shown of a result."""

    sample_predictions: Shown
    explorer_records: Annotated[int, Ge(0), Le(20_000)] = 2000  # test records of each dataset in reports/explorer.html


@dataclass(frozen=True, kw_only=True)
class ExplanationSettings:
    """Which network is looked into."""

    dataset: str
    of: str  # an architecture that reads it
    records: Annotated[int, Ge(1), Le(100)] = (
        4  # of the test split, in reports/explorer.html; figures show the first four
    )
