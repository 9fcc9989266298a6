"""A table whose JSON is written, beside what it is compared with: what of it is evidence, and where a page shows it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multilabel.reporting.markdown import Markdown, escape, heading_id
from multilabel.studies.lines import FAILS, HOLDS
from multilabel.studies.specification import PublishedTable

Line = Mapping[str, Any]
SIZE = "size_mb"  # of a network as it is declared: the one measure that needs no run


@dataclass(frozen=True)
class FinishedTable:
    """Content is the JSON of a table."""

    study: str
    name: str
    content: Mapping[str, Any]
    printed: PublishedTable

    @property
    def short(self) -> str:
        """Table 2, say."""
        return re.split(r"[:(,]", self.printed.title)[0].strip()

    @property
    def heading(self) -> str:
        """Of its part of the page, told apart from those of all other reports."""
        return f"{self.study}, {self.printed.title}"

    def link(self, page: str = "") -> Markdown:
        """To its part of the page of its report."""
        return Markdown(f"[{escape(self.short)}]({page}#{heading_id(self.heading)})")

    def claims(self) -> list[Line]:
        """The comparisons that something beyond a trial was run for; a claim has one for each variant."""
        return [line for line in self.content["claims"] if line["runs"] and not line["trial"]]

    def untested(self) -> list[tuple[str, str]]:
        """The claims without such a comparison: (better row, worse row)."""
        seen = {(line["better"], line["worse"]) for line in self.claims()}
        every = dict.fromkeys((line["better"], line["worse"]) for line in self.content["claims"])
        return [pair for pair in every if pair not in seen]

    def figures(self) -> list[Line]:
        """Those with a value of ours that a page shows: of runs beyond a trial, and those that need no run."""
        return [line for line in self.content["figures"] if line["ours"] is not None and not line["trial"]]


@dataclass(frozen=True)
class Exact:
    """Figures that know no chance: how many are the same, of how many."""

    same: int = 0
    number: int = 0

    def __add__(self, other: "Exact") -> "Exact":
        """Of both together."""
        return Exact(self.same + other.same, self.number + other.number)

    def __str__(self) -> str:
        """As text."""
        return f"{self.same:,} of {self.number:,}" if self.number else "none"


COUNTS, SIZES, WEIGHTS = "counts of the data", "sizes of networks", "published weights"


def exact(tables: Sequence[FinishedTable]) -> dict[str, Exact]:
    """By what they are of: the data, networks as declared, or what torchvision lists of published weights."""
    found = dict.fromkeys((COUNTS, SIZES, WEIGHTS), Exact())
    for table in tables:
        for line in table.figures():
            if line["verdict"] in (HOLDS, FAILS) and (line["measure"] == SIZE or not line["run"]):
                about = COUNTS if table.content["kind"] == "eda" else SIZES if line["run"] else WEIGHTS
                found[about] += Exact(int(line["verdict"] == HOLDS), 1)
    return found
