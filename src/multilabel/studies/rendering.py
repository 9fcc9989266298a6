"""A finished table as Markdown, and the pages of the studies."""

from collections.abc import Mapping, Sequence
from typing import Any

from multilabel.reporting.markdown import Markdown, bold, escape, shorten
from multilabel.reporting.markdown import table as grid
from multilabel.studies.lines import CANNOT

Line = Mapping[str, Any]


def table_markdown(table: Line) -> Markdown:
    """Title, figures side by side, claims, references and cost."""
    parts = [f"### {escape(table['title'])}", escape(_about(table))]
    parts += [f"- {escape(note)}" for note in table["notes"]]
    for heading, lines in (
        ("", figures(table)),
        ("What the rows claim", claims(table)),
        ("For reference", others(table)),
    ):
        if lines:
            parts.append(f"**{heading}**\n\n{lines}" if heading else lines)
    if table["examples"]:
        parts.append(examples(table["examples"]))
    if table["cost"]:
        parts.append(escape(cost(table["cost"])))
    return Markdown("\n\n".join(part for part in parts if part) + "\n")


def _about(table: Line) -> str:
    said = f"Published split: {table['split']}; published average: {table['average'] or 'unstated'}."
    notes = f" Known contradictions: {', '.join(table['contradictions'])}." if table["contradictions"] else ""
    return said + notes if table["kind"] == "results" else notes.strip()


def figures(table: Line) -> str:
    """One line per figure: theirs, ours, the difference with its interval, the verdict."""
    rows = []
    for line in table["figures"]:
        ours, difference = _number(line["ours"]), _difference(line)
        seeds = f"mean of {line['seeds']} seeds" if line["seeds"] > 1 else ""
        who = ", ".join(part for part in (line["variant"], line["evidence"], seeds) if part)
        rows.append(
            [str(line["row"]), line["measure"], _number(line["published"]), ours, difference, who, _verdict(line)]
        )
    heads = ["row", "measure", "published", "ours", Markdown("difference [95 %]"), "ours is", "verdict"]
    return _grid(heads, rows)


def _difference(line: Line) -> str:
    """Empty for a smoke run and generated data: a difference would say something that it does not know."""
    if line["difference"] is None or says_nothing(line):
        return ""
    if line["low"] is None:
        return _signed(line["difference"]) if line["difference"] else "none"
    low, high = line["low"] - line["published"], line["high"] - line["published"]
    return _with_interval(line["difference"], low, high)


def _verdict(line: Line) -> Markdown:
    """What was found, and why."""
    because = f": {escape(line['because'])}" if line["because"] else ""
    return Markdown(f"{bold(line['verdict'])}{because}")


def says_nothing(line: Line) -> bool:
    """Whether a figure shows only that its run works."""
    return line["verdict"] == CANNOT and line["trial"]


def claims(table: Line) -> str:
    """One line per claim and variant."""
    rows = [
        [
            f"{line['better']} above {line['worse']}",
            _signed(line["published"]),
            "" if line["verdict"] == CANNOT else _with_interval(line["ours"], line["low"], line["high"]),
            f"{line['variant']}, {line['evidence']}",
            _verdict(line),
        ]
        for line in table["claims"]
    ]
    return _grid(["claim", "published", Markdown("ours, paired samples-F1 [95 %]"), "ours is", "verdict"], rows)


def others(table: Line) -> str:
    """Baselines and runs without a published figure."""
    rows = []
    for line in table["others"]:
        score = _number(line["f1_samples"])
        interval = f" [{line['low']:.3f}, {line['high']:.3f}]" if line["low"] is not None else ""
        spread = f", sd {line['sd']:.3f} over {line['seeds']} seeds" if line["sd"] is not None else ""
        change = line["difference"]
        against = _with_interval(*change) if change else ""
        rows.append(
            [line["row"], Markdown(score + interval + spread), against, f"{line['variant']}, {line['evidence']}"]
        )
    heads = ["no published counterpart", Markdown("samples-F1 [95 %]"), "against the base, paired", "ours is"]
    return _grid(heads, rows)


def cost(lines: Sequence[Line]) -> str:
    """Seconds and devices in one sentence."""
    seconds = sum(line["train_seconds"] * line["seeds"] for line in lines)
    devices = ", ".join(dict.fromkeys(str(line["device"]) for line in lines))
    return f"Cost of these {len(lines)} runs: {seconds:,.0f} s of training on {devices}."


def examples(lines: Sequence[Line]) -> str:
    """Predictions for the same records."""
    heads = list(dict.fromkeys(key for line in lines for key in line if key != "trial"))
    return _grid(heads, [[str(line.get(head, "")) for head in heads] for line in lines])


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
