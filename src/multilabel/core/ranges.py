"""Ranges of settings that several modules share. What nobody can mean is refused before it fills a memory or a disk."""

from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

Seed = Annotated[int, Ge(0), Le(2**31 - 1)]  # what every library takes, a few added seeds included
Seeds = Annotated[int, Ge(1), Le(100)]  # trainings of one architecture
Count = Annotated[int, Ge(1), Le(1_000_000)]
Records = Annotated[int, Ge(0), Le(10_000_000)]
Epochs = Annotated[int, Ge(1), Le(10_000)]
BatchSize = Annotated[int, Ge(1), Le(65_536)]
Width = Annotated[int, Ge(1), Le(16_384)]  # of a layer
Depth = Annotated[int, Ge(1), Le(256)]  # layers, or heads of one
Rate = Annotated[float, Gt(0), Le(10)]  # of learning
Positive = Annotated[float, Gt(0), Le(1e9)]
Share = Annotated[float, Ge(0), Lt(1)]  # none to nearly all
Part = Annotated[float, Gt(0), Lt(1)]  # some, but not all
