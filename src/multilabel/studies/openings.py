"""What stands of a report and what does not, in a few sentences that are made of its verdicts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from multilabel.reporting.markdown import Markdown, escape
from multilabel.studies.coverage import Coverage
from multilabel.studies.finished import FinishedTable, exact
from multilabel.studies.lines import CORRECTED, EXPOSED, FAILS, HOLDS, JUDGED, NOISE, OTHER_SIZE
from multilabel.studies.rendering import departures
from multilabel.studies.specification import STAND_IN, Report, kind

Line = Mapping[str, Any]
Paragraph = tuple[str, list[Markdown]]  # what it is about, and its sentences
NONE_TESTED = Markdown("None of its claims of one row above another has been tested on real data, so none stands.")
NONE_JUDGED = Markdown("None of its claims that were tested on real data has a verdict: what is open says why.")
NONE_STANDS = Markdown("None of its claims that were tested on real data stands as printed.")
NONE_FAILS = Markdown("None of its claims that were tested on real data is refuted.")
STAND_INS = "with stand-ins"  # which ones, a sentence of its own says
NAMED = 4  # claims that a sentence spells out; more are counted by table


@dataclass(frozen=True)
class _Told:
    """The comparisons of one report, and how sentences about them link and what they need not repeat."""

    lines: Sequence[tuple[FinishedTable, Line]]
    page: str  # that links lead to
    evidence: Sequence[str]  # scales and data of all lines: said once, and beside a claim only if they are several

    def of(self, *verdicts: str) -> "_Told":
        """Those with these verdicts."""
        return replace(self, lines=[(table, line) for table, line in self.lines if line["verdict"] in verdicts])

    def verdicts(self) -> list[str]:
        """In the order of the page."""
        return list(dict.fromkeys(line["verdict"] for _, line in self.lines))

    def sentence(self) -> list[Markdown]:
        """Each claim with both differences, or how many claims of each table there are; nothing if there are none."""
        if not self.lines:
            return []
        verdict = escape(self.lines[0][1]["verdict"].capitalize())
        if len(self.lines) > NAMED:
            return [Markdown(f"{verdict}: {self.by_table()}.")]
        alike = len({tuple(self._made_with([line])) for _, line in self.lines}) == 1 < len(self.lines)
        conditions = self._made_with([self.lines[0][1]]) if alike else []
        under = f" ({'; '.join(conditions)})" if conditions else ""
        return [Markdown(f"{verdict}{under}: {'; '.join(self._claims(repeat=not alike))}.")]

    def briefly(self) -> str:
        """How many claims there are, or both differences where a row was put right, for which there is no word."""
        spelled = len(self.lines) <= NAMED and all(line["verdict"] == CORRECTED for _, line in self.lines)
        return "; ".join(self._claims(repeat=True)) if spelled else self.by_table()

    def why(self) -> str:
        """What the verdicts of these give as their reasons, beside the variants; with a comma before it."""
        said = [part.rpartition(": ")[2] for _, line in self.lines for part in line["because"].split("; ")]
        variants = _departures([line for _, line in self.lines])
        reasons = [part for part in dict.fromkeys(said) if part and part not in variants]
        return f", {escape(' or '.join(reasons))}" if reasons else ""

    def _claims(self, repeat: bool) -> list[str]:
        found = []
        for table, line in self.lines:
            sizes = f"{line['ours']:+.3f} here, {line['published']:+.3f} printed"
            about = "; ".join([sizes, *(self._made_with([line]) if repeat else []), table.link(self.page)])
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
        own = list(map(_without_stand_ins, _departures(lines)))
        stand_ins = [STAND_INS] if own != _departures(lines) else []
        exposed = [EXPOSED] if any(EXPOSED in line["caveats"] for line in lines) else []
        return [escape(part) for part in dict.fromkeys([*filter(None, own), *stand_ins, *exposed, *made])]


def _departures(lines: Sequence[Line]) -> list[str]:
    return [part for line in lines for part in departures(line["variant"])]


def _without_stand_ins(departure: str) -> str:
    return ", ".join(part for part in departure.split(", ") if STAND_IN not in part)


def report_opening(report: Report, tables: Sequence[FinishedTable], found: Coverage, page: str = "") -> list[Paragraph]:
    """What the report claims, what stands, what does not and what is open; five to ten sentences.

    Links lead to `page`, the page of the report.
    """
    lines = [(table, line) for table in tables for line in table.claims()]
    told = _Told(lines, page, sorted({line["evidence"] for _, line in lines}))
    judged = bool(told.of(*JUDGED).lines)
    none = NONE_STANDS if judged else NONE_JUDGED if lines else NONE_TESTED
    stands = told.of(HOLDS).sentence() or [none]
    fails = [*told.of(FAILS).sentence(), *told.of(NOISE).sentence()] or ([NONE_FAILS] if judged else [])
    paragraphs = [
        ("What it claims", [escape(sentence) for sentence in report.summary]),
        ("What stands", [*stands, *told.of(OTHER_SIZE).sentence(), *_exact(tables)]),
        ("What does not", fails),
        ("What is open", [*_unjudged(told), _untested(tables, page), _tested(found, told.evidence, _stand_ins(lines))]),
    ]
    return [(about, sentences) for about, sentences in paragraphs if sentences]


def _exact(tables: Sequence[FinishedTable]) -> list[Markdown]:
    """The sentence about what knows no chance, if there is any of it."""
    same, number = exact(tables)
    said = f"Of its counts and sizes, {same} of the {number} that can be computed here are the same."
    return [Markdown(said)] if number else []


def _unjudged(told: _Told) -> list[Markdown]:
    """The sentence about claims that were run for and still have no verdict, with what each lacks."""
    done = {_claim(table, line) for table, line in told.of(*JUDGED).lines}
    left = replace(told, lines=[(table, line) for table, line in told.lines if _claim(table, line) not in done])
    if not left.lines:
        return []
    kinds = [(verdict, left.of(verdict)) for verdict in left.verdicts()]
    items = [f"{escape(verdict)}{own.why()}: {own.briefly()}" for verdict, own in kinds]
    return [Markdown(f"Run on real data, but without a verdict: {'; '.join(items)}.")]


def _claim(table: FinishedTable, line: Line) -> tuple[str, str, str]:
    """Which it is, whatever runs stand for it."""
    return table.name, line["better"], line["worse"]


def _stand_ins(lines: Sequence[tuple[FinishedTable, Line]]) -> list[str]:
    """Which encoders stand for which published ones."""
    found: dict[str, list[str]] = {}
    for part in (part for departure in _departures([line for _, line in lines]) for part in departure.split(", ")):
        own, stands, published = part.partition(STAND_IN)
        if stands and published not in found.setdefault(own, []):
            found[own].append(published)
    return [f"{own}{STAND_IN}{' and '.join(published)}" for own, published in found.items()]


def _untested(tables: Sequence[FinishedTable], page: str) -> Markdown:
    """The claims that nothing but trials was run for."""
    left = [(table, pairs) for table in tables if (pairs := table.untested())]
    if not left:
        return Markdown("Each of its claims of one row above another has been tested.")
    if sum(len(pairs) for _, pairs in left) <= NAMED:
        named = [
            f"{escape(better)} above {escape(worse)} ({table.link(page)})"
            for table, pairs in left
            for better, worse in pairs
        ]
    else:
        named = [f"{len(pairs)} of {table.link(page)}" for table, pairs in left]
    return Markdown(f"Nobody has tested these claims here: {'; '.join(named)}.")


def _tested(found: Coverage, evidence: Sequence[str], stand_ins: Sequence[str]) -> Markdown:
    """How much has evidence, of which scales and data, with which stand-ins, and whether images are among it."""
    rows, claims = f"{found.rows_with_evidence} of {found.rows}", f"{found.claims_with_evidence} of {found.claims}"
    images = f"{found.rows_with_images} of these rows and {found.claims_with_images} of these claims"
    if not found.rows_with_images + found.claims_with_images:
        images = "none of it"
    made, stand = (f" ({'; '.join(map(escape, parts))})" if parts else "" for parts in (evidence, stand_ins))
    return Markdown(
        f"On real data, beyond the smoke scale{made}, {rows} published rows of results and {claims} claims have evidence of "
        f"runs as published, stand-ins aside{stand}; {images} from networks that read images."
    )


def index_opening(
    tables: Mapping[str, Sequence[FinishedTable]], found: Mapping[str, Coverage], links: Mapping[str, str]
) -> list[Markdown]:
    """What stands of all reports: one sentence for each, between what was tested and what it was made with."""
    lines = [line for own in tables.values() for table in own for line in table.claims()]
    return [
        Markdown(f"{len(tables)} published reports stand here beside runs of this repository, table by table."),
        *[_balance(links[name], own, found[name]) for name, own in tables.items()],
        _tested(sum(found.values(), Coverage()), sorted({line["evidence"] for line in lines}), []),
        *_conditions(lines),
    ]


def _balance(link: str, tables: Sequence[FinishedTable], found: Coverage) -> Markdown:
    """How the comparisons of one report came out: a claim has one for each variant that was run."""
    said = [line["verdict"] for table in tables for line in table.claims()]
    order = [*(verdict for verdict in JUDGED if verdict in said), *dict.fromkeys(said)]
    parts = [f"{said.count(verdict)} **{escape(verdict)}**" for verdict in dict.fromkeys(order)]
    outcome = f" {len(said)} comparison{'s' if len(said) > 1 else ''} on real data: {', '.join(parts)}." if said else ""
    return Markdown(f"{link}: {found.claims_judged} of {found.claims} claims have a verdict.{outcome}")


def _conditions(lines: Sequence[Line]) -> list[Markdown]:
    """How many verdicts were made with something else than what the reports used; tables say with what."""
    named = Counter(part for line in lines for part in dict.fromkeys(map(in_short, _departures([line]))))
    if not named:
        return []
    shown = "; ".join(f"{escape(part)} ({number})" for part, number in named.most_common())
    return [Markdown(f"Of {len(lines)} comparisons, these depart from the reports: {shown}.")]


def in_short(departure: str) -> str:
    """Without which encoder stands for which, and what was corrected."""
    return "stand-ins for published encoders" if STAND_IN in kind(departure) else kind(departure)
