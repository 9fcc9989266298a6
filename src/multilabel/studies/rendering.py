"""A finished table as Markdown: its claims, its figures, what stands beside them, and what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multilabel.reporting.markdown import Markdown, bold, escape, shorten
from multilabel.reporting.markdown import table as grid
from multilabel.studies.lines import FAILS, HOLDS, NOT_RUN, RUNS
from multilabel.studies.specification import AS_PUBLISHED, STAND_IN

Line = Mapping[str, Any]
HOW = "how ours departs"  # from the report; empty where it does not
SAME_RULE = "same rule for all"  # ours by expected F1, which needs nothing fitted; the rest as the report decodes
LONG = 12  # figures that a page shows before it folds them away


@dataclass(frozen=True)
class Shared:
    """What all lines of ours of one scale and data have in common, which stands once above the table."""

    by_evidence: Mapping[str, Sequence[str]]  # scale and data -> departures from the report

    def left(self, line: Line) -> list[str]:
        """What else a reader must know of a line."""
        own = [part for part in _departures(line) if part not in self.by_evidence.get(line["evidence"], ())]
        return [*own, *self.evidence(line)]

    def evidence(self, line: Line) -> list[str]:
        """Scale and data of a line, where not all lines have the same."""
        return [line["evidence"]] if len(self.by_evidence) > 1 and line["evidence"] else []

    def said(self) -> str:
        """A sentence for each scale and data."""
        return " ".join(f"Ours: {'; '.join([evidence, *parts])}." for evidence, parts in self.by_evidence.items())


def table_markdown(table: Line, heading: str = "") -> Markdown:
    """Claims, figures side by side, references and cost; of trials nothing but how many there were."""
    shared = _shared(table)
    parts = [f"### {escape(heading or table['title'])}", escape(_about(table, shared))]
    parts += [f"- {escape(note)}" for note in table["notes"]]
    for title, lines in (
        (f"What the report claims of its rows{_at_once(table)}", claims(table, shared)),
        ("Its figures, and ours", _folded_if_long(table, figures(table, shared))),
        ("For comparison, without a figure in the report", others(table, shared)),
    ):
        if lines:
            parts.append(f"**{title}**\n\n{lines}")
    if table["examples"]:
        parts.append(examples([line for line in table["examples"] if not line["trial"]]))
    parts.append(escape(cost(solid(table["cost"]))))
    left = len(table["cost"]) - len(solid(table["cost"]))
    if left:
        parts.append(f"Runs that only show that they work (smoke scale or generated data, no evidence): {left}.")
    return Markdown("\n\n".join(part for part in parts if part) + "\n")


def _about(table: Line, shared: Shared) -> str:
    """Of the report's scores, and of ours."""
    if table["kind"] != "results":
        return shared.said()
    average = (
        f"Published split: {table['split']}; average of the scores: {table['average']}." if table["average"] else ""
    )
    return " ".join(part for part in (average, shared.said()) if part)


def _at_once(table: Line) -> str:
    """Claims that were held against chance at once, for which p is adjusted."""
    return f"; {table['tested']} held against chance at once" if table["tested"] > 1 else ""


def _shared(table: Line) -> Shared:
    found: dict[str, list[str]] = {}
    for line in solid([line for key in ("figures", "claims") for line in table[key] if line["evidence"]]):
        own = [part for part in _departures(line) if part not in _kinds(line)]
        found[line["evidence"]] = [part for part in found.get(line["evidence"], own) if part in own]
    for line in solid(table["others"]):
        found.setdefault(line["evidence"], [])
    return Shared(found)


def _kinds(line: Line) -> list[str]:
    """What a row of its own is about, captions only, say; which stands in its line, whatever others have in common with it."""
    return [part for part in departures(line["variant"]) if STAND_IN not in part]


def _departures(line: Line) -> list[str]:
    """How a run, or a pair of runs, departs from the report, each thing once."""
    said = [part for part in line["caveats"] if not _is_told(part, line)]
    return list(dict.fromkeys([*departures(line["variant"]), *said]))


def _is_told(part: str, line: Line) -> bool:
    """Whether the variant of a line, or its scale beside the data, says so already."""
    scale = f"{str(line['evidence']).partition(',')[0]} scale"
    told = {item for own in departures(line["variant"]) for item in own.split(", ")}
    return part == scale or set(part.split(", ")) <= told


def departures(variant: str) -> list[str]:
    """How a variant departs from the report: nothing for one that does as it says. What stands in for what, once."""
    parts = [part.strip().removeprefix(f"{AS_PUBLISHED}, ") for part in variant.split(";")]
    found, seen = [], set()
    for part in dict.fromkeys(parts):
        own = [item for item in part.split(", ") if item not in seen]
        seen |= {item for item in own if STAND_IN in item}
        if own and part and part != AS_PUBLISHED:
            found.append(", ".join(own))
    return found


def solid(lines: Sequence[Line]) -> list[Line]:
    """Those that are no trials: beyond the smoke scale, on real data."""
    return [line for line in lines if not line["trial"]]


def figures(table: Line, shared: Shared) -> str:
    """One line per figure: theirs, ours, the difference with its interval, the verdict; trials are left out."""
    rows = []
    for line in table["figures"]:
        if says_nothing(line):
            continue
        seeds = [f"mean of {line['seeds']} seeds"] if line["seeds"] > 1 else _one_seed(line)
        how = Markdown(escape("; ".join([*shared.left(line), *seeds])))
        compared = [_number(line["published"]), _ours(line), _difference(line), _same_rule(line)]
        rows.append([str(line["row"]), line["measure"], *compared, how, _verdict(line)])
    heads = ["row", "measure", "published", Markdown("ours [95 %]"), "difference", SAME_RULE, HOW, "verdict"]
    return _grid(heads, rows)


def _one_seed(line: Line) -> list[str]:
    """Of a network that was trained once; a baseline leaves nothing to chance."""
    return ["one seed"] if line["network"] and line["seeds"] == 1 else []


def says_nothing(line: Line) -> bool:
    """Whether a figure has none of ours, or is of a run that only shows that it works."""
    return line["verdict"] in (NOT_RUN, RUNS) or line["ours"] is None


def _same_rule(line: Line) -> str:
    """Our score where every run is decoded by one rule."""
    return _number(line["same_rule"]["ours"]) if line["same_rule"] else ""


def _folded_if_long(table: Line, lines: str) -> str:
    shown = lines.count("\n") - 1
    if shown <= LONG:
        return lines
    said = [line["verdict"] for line in table["figures"] if not says_nothing(line)]
    verdicts = ", ".join(f"{said.count(verdict)} {verdict}" for verdict in dict.fromkeys(said))
    return fold(f"{shown} figures: {verdicts}", lines)


def fold(summary: str, content: str) -> Markdown:
    """A part that a reader opens."""
    return Markdown(f"<details>\n<summary>{escape(summary)}</summary>\n\n{content.strip()}\n\n</details>")


def _ours(line: Line) -> str:
    interval = f" [{_number(line['low'])}, {_number(line['high'])}]" if line["low"] is not None else ""
    return Markdown(escape(_number(line["ours"])) + interval)


def _difference(line: Line) -> str:
    """Of what can be compared; else it would say something that nobody knows."""
    if line["difference"] is None or line["verdict"] not in (HOLDS, FAILS):
        return ""
    return _signed(line["difference"]) if line["difference"] else "none"


def _verdict(line: Line) -> Markdown:
    """What was found, and why, as far as the departures beside it do not say so."""
    told = _departures(line)
    reasons = [part for part in line["because"].split("; ") if part not in told and not _is_told(part, line)]
    reasons += [f"p {line['p']:.2g}"] if line.get("p") is not None else []
    reasons += [f"undertrained, {line['undertrained']}"] if line.get("undertrained") else []
    because = "; ".join(dict.fromkeys(filter(None, reasons)))
    return Markdown(f"{bold(line['verdict'])}: {escape(because)}" if because else bold(line["verdict"]))


def claims(table: Line, shared: Shared) -> str:
    """One line per claim and variant that more than a trial was run for."""
    rows = []
    for line in table["claims"]:
        if line["trial"] or not line["runs"]:
            continue
        same = line["same_rule"]
        rows.append(
            [
                f"{line['better']} above {line['worse']}",
                _signed(line["published"]),
                _paired(line),
                Markdown(f"{_paired(same)} {escape(same['verdict'])}") if same else "",
                escape("; ".join([*shared.left(line), f"{' against '.join(map(str, line['seeds']))} seeds"])),
                _verdict(line),
            ]
        )
    return _grid(["claim", "published", Markdown("ours, paired [95 %]"), SAME_RULE, HOW, "verdict"], rows)


def _paired(line: Line) -> Markdown:
    return Markdown("") if line["ours"] is None else _with_interval(line["ours"], line["low"], line["high"])


def others(table: Line, shared: Shared) -> str:
    """Baselines and runs without a published figure."""
    rows = []
    for line in solid(table["others"]):
        if line["f1_samples"] is None:
            continue
        score = _number(line["f1_samples"])
        interval = f" [{line['low']:.3f}, {line['high']:.3f}]" if line["low"] is not None else ""
        spread = f", sd {line['sd']:.3f} over {line['seeds']} seeds" if line["sd"] is not None else ""
        change = line["difference"]
        against = _with_interval(*change) if change else ""
        how = [*departures(line["variant"]), *shared.evidence(line), *_one_seed(line)]
        scored = [Markdown(score + interval + spread), _same_rule(line), against]
        rows.append([line["row"], *scored, "; ".join(how)])
    heads = ["run", Markdown("samples-F1 [95 %]"), SAME_RULE, "against the base, paired", HOW]
    return _grid(heads, rows)


def cost(lines: Sequence[Line]) -> str:
    """Seconds and devices, and how many trained less than the report's."""
    if not lines:
        return ""
    trainings = {(line["network"] or line["run"], line["evidence"]): line for line in lines}
    seconds = sum(line["train_seconds"] * line["seeds"] for line in trainings.values())
    devices = ", ".join(dict.fromkeys(str(line["device"]) for line in lines))
    fewer = sum(line["updates"] < (line["published_updates"] or 0) for line in lines)
    less = f"; with fewer updates than the report's: {fewer}" if fewer else ""
    shared = f", of {len(trainings)} training{'s' if len(trainings) > 1 else ''}" if len(trainings) < len(lines) else ""
    return f"Cost: {seconds:,.0f} s of training on {devices}; runs: {len(lines)}{shared}{less}."


def examples(lines: Sequence[Line]) -> str:
    """Predictions for the same records."""
    heads = [head for head in dict.fromkeys(key for line in lines for key in line) if head != "trial"]
    return _grid(heads, [[str(line.get(head, "")) for head in heads] for line in lines])


def printed_grid(rows: Mapping[str, Any]) -> str:
    """What a report prints, a line for each row."""
    by_row = {row: values if isinstance(values, Mapping) else {"value": values} for row, values in rows.items()}
    measures = list(dict.fromkeys(measure for values in by_row.values() for measure in values))
    lines = [[str(row), *(_number(values.get(name)) for name in measures)] for row, values in by_row.items()]
    return _grid(["row", *measures], lines)


def trials(lines: Sequence[Line]) -> str:
    """Runs that only show that they work: how long they took and where, and no score."""
    rows = [[line["run"], line["evidence"], f"{line['train_seconds']:,.0f}", str(line["device"])] for line in lines]
    return _grid(["run", "scale, data", "train s", "device"], rows)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table without the columns that say nothing."""
    if not rows:
        return ""
    told = [place for place in range(len(heads)) if any(row[place] for row in rows)]
    heads, rows = [heads[place] for place in told], [[row[place] for place in told] for row in rows]
    return grid(heads, [[value if isinstance(value, Markdown) else shorten(value) for value in row] for row in rows])


def _number(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_number(entry) for entry in value)
    if isinstance(value, float):
        digits = ",.2f" if abs(value) >= 1 else ".3f" if abs(value) >= 0.001 else ".3g"
        return f"{value:{digits}}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _with_interval(value: float, low: float, high: float) -> Markdown:
    return Markdown(f"{_signed(value)} [{_signed(low)}, {_signed(high)}]")


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) < 10 else f"{value:+,.1f}"
