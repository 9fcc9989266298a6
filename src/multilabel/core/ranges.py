"""Ranges of settings that several modules share."""

from typing import Annotated

from annotated_types import Ge, Gt, Lt

Count = Annotated[int, Ge(1)]
Positive = Annotated[float, Gt(0)]
Share = Annotated[float, Ge(0), Lt(1)]  # none to nearly all
Part = Annotated[float, Gt(0), Lt(1)]  # some, but not all
