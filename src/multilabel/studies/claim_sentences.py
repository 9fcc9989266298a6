"""The claims of a report as sentences: each with both differences, or by name, or counted by table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from multilabel.reporting.markdown import Markdown, escape
from multilabel.studies.finished import FinishedTable
from multilabel.studies.lines import CORRECTED, EXPOSED, JUDGED, NO_WEIGHTS
from multilabel.studies.rendering import departures
from multilabel.studies.specification import STAND_IN

Line = Mapping[str, Any]
STAND_INS = "with stand-ins"  # which ones, a sentence of its own says
NAMED = 4  # claims that a sentence spells out with their figures; of more it gives the names
LISTED = 12  # claims that a sentence names; more are counted by table


@dataclass(frozen=True)
class ClaimSentences:
    """The comparisons of one report, and how sentences about them link and what they need not repeat."""

    lines: Sequence[tuple[FinishedTable, Line]]
    page: str  # that links lead to
    evidence: Sequence[str]  # scales and data of all lines: said once, and beside a claim only if they are several

    def of(self, *verdicts: str) -> "ClaimSentences":
        """Those with these verdicts."""
        return replace(self, lines=[(table, line) for table, line in self.lines if line["verdict"] in verdicts])

    def verdicts(self) -> list[str]:
        """In the order of the page."""
        return list(dict.fromkeys(line["verdict"] for _, line in self.lines))

    def sentence(self) -> list[Markdown]:
        """Each claim with both differences, several by name, very many counted by table; nothing if there are none."""
        if not self.lines:
            return []
        verdict, number = escape(self.lines[0][1]["verdict"].capitalize()), len(self.lines)
        if number > LISTED:
            return [Markdown(f"{verdict}: {self.by_table()}.")]
        if number > NAMED:
            conditions = self._made_with([line for _, line in self.lines])
            return [Markdown(f"{verdict}{in_brackets(conditions)}: {self._names()}{self._by_fewer()}.")]
        alike = len({tuple(self._made_with([line])) for _, line in self.lines}) == 1 < number
        conditions = self._made_with([self.lines[0][1]]) if alike else []
        claims = "; ".join(self._claims(repeat=not alike))
        return [Markdown(f"{verdict}{in_brackets(conditions)}: {claims}{self._by_fewer()}.")]

    def _by_fewer(self) -> str:
        """Where several claims are one comparison, by encoders that stand for several published ones."""
        number = compared([line for _, line in self.lines])
        stand = f"{pairs_of_networks(number)} stand{'s' if number == 1 else ''}"
        return f"; {stand} for all of these" if number < len(self.lines) else ""

    def _names(self) -> str:
        """Of each table which rows are said to be above which."""
        found: dict[tuple[str, str], list[str]] = {}
        links = {table.name: table.link(self.page) for table, _ in self.lines}
        for table, line in self.lines:
            worse = found.setdefault((table.name, line["better"]), [])
            if line["worse"] not in worse:
                worse.append(line["worse"])
        return "; ".join(
            f"{escape(better)} above {escape(', '.join(worse))} ({links[name]})"
            for (name, better), worse in found.items()
        )

    def briefly(self) -> str:
        """How many claims there are, or both differences where a row was put right, for which there is no word."""
        spelled = len(self.lines) <= NAMED and all(line["verdict"] == CORRECTED for _, line in self.lines)
        return "; ".join(self._claims(repeat=True)) if spelled else self.by_table()

    def why(self) -> str:
        """What the verdicts of these give as their reasons, beside the variants; with a comma before it."""
        said = [part.rpartition(": ")[2] for _, line in self.lines for part in line["because"].split("; ")]
        variants = [part for _, line in self.lines for part in line["variant"].split("; ")]
        reasons = [part for part in dict.fromkeys(said) if part and part not in variants]
        return f", {escape(' or '.join(reasons))}" if reasons else ""

    def _claims(self, repeat: bool) -> list[str]:
        found = []
        for table, line in self.lines:
            sizes = f"{line['ours']:+.3f} here, {line['published']:+.3f} printed"
            other = _otherwise(line)
            about = "; ".join([sizes, *other, *(self._made_with([line]) if repeat else []), table.link(self.page)])
            pair = f"{escape(line['better'])} above {escape(line['worse'])}"
            found.append(f"{pair} ({about})")
        return found

    def by_table(self) -> str:
        """How many claims of each table, with the conditions that any of them was made under."""
        by_name = {table.name: table for table, _ in self.lines}
        pairs = dict.fromkeys((table.name, line["better"], line["worse"]) for table, line in self.lines)
        number = Counter(name for name, _, _ in pairs)
        found = [
            f"{number[name]} claim{'s' if number[name] > 1 else ''} of {table.link(self.page)}"
            for name, table in by_name.items()
        ]
        conditions = "; ".join(self._made_with([line for _, line in self.lines]))
        return ", ".join(found) + (f" ({conditions})" if conditions else "")

    def _made_with(self, lines: Sequence[Line]) -> list[str]:
        made = [line["evidence"] for line in lines] if len(self.evidence) > 1 else []
        own = list(map(_without_stand_ins, departures_of(lines)))
        stand_ins = [STAND_INS] if own != departures_of(lines) else []
        weights = [known for known in (NO_WEIGHTS, EXPOSED) if any(known in line["caveats"] for line in lines)]
        return [escape(part) for part in dict.fromkeys([*filter(None, own), *stand_ins, *weights, *made])]


def compared(lines: Sequence[Line]) -> int:
    """How many pairs of networks some comparisons are of: one may stand for several claims."""
    return len({(line["evidence"], *line["networks"]) for line in lines})


def in_brackets(conditions: Sequence[str]) -> str:
    """With a space before them; nothing for none."""
    return f" ({'; '.join(conditions)})" if conditions else ""


def _otherwise(line: Line) -> list[str]:
    """Another verdict by the rule of decoding that is the same for all, if there is one."""
    same = line["same_rule"]
    differs = same and line["verdict"] in JUDGED and same["verdict"] != line["verdict"]
    return [f"by the same rule for all: {escape(same['verdict'])}"] if differs else []


def departures_of(lines: Sequence[Line]) -> list[str]:
    """How the runs of some comparisons depart from the report."""
    return [part for line in lines for part in departures(line["variant"])]


def _without_stand_ins(departure: str) -> str:
    return ", ".join(part for part in departure.split(", ") if STAND_IN not in part)


def pairs_of_networks(number: int) -> str:
    """As words."""
    return f"{number} pairs of networks" if number > 1 else "one pair of networks"
