"""A table of a study: published and ours side by side, as JSON that the report renders."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from multilabel.core.files import read_json
from multilabel.studies.comparisons import CANNOT, Lines, claim_lines, claimed_pairs, figure_line, our_figure
from multilabel.studies.evidence import Evidence, gather, paired
from multilabel.studies.exact_figures import plain_line
from multilabel.studies.places import EXAMPLES
from multilabel.studies.published import PublishedTable, published_table
from multilabel.studies.specifications import TableSpecification, rows_of, without_counterpart
from multilabel.studies.table_kinds import KINDS, Study


@dataclass(frozen=True)
class Table:
    """A finished table."""

    name: str
    title: str
    kind: str
    split: str
    average: str
    contradictions: Sequence[str]
    notes: Sequence[str]
    figures: Lines  # row, measure, published, ours, verdict, because
    claims: Lines
    others: Lines  # references, runs without a published counterpart, and what a constant answer scores
    cost: Lines
    examples: Lines

    def as_json(self) -> dict[str, Any]:
        """As a file keeps it."""
        return asdict(self)


def compare(name: str, table: TableSpecification, study: Study) -> Table:
    """One table from what is known of its runs."""
    published = published_table(study.report, table.published, name) if table.published else None
    kind = next((kind for kind in KINDS if getattr(table, kind)), None)
    known = gather(study.declared)
    figures = KINDS[kind](table, published or PublishedTable("", ""), study, known) if kind else []
    claims: Lines = []
    others: Lines = []
    cost: Lines = []
    if kind in (None, "per_label"):
        rows = rows_of(table, published, study.declared)
        if kind is None and published is not None:
            figures = _score_figures(table, published, rows, study, known)
            measure = "f1" if any("f1" in row for row in published.rows.values()) else "f1_macro"
            pairs = claimed_pairs(published, measure, table.claims) if _has(published, measure) else []
            claims = claim_lines(pairs, published, measure, rows, known, study.draws, study.seed)
        others = _others(table, rows, study, known, own=published is None)
        cost = _cost([run for runs in rows.values() for run in runs], known)
    return Table(
        name=name,
        title=published.title if published else table.title,
        kind=published.kind if published else "results",
        split=published.split if published else "none",
        average=table.average or (published.average if published else ""),
        contradictions=published.contradictions if published else (),
        notes=table.notes,
        figures=figures,
        claims=claims,
        others=others,
        cost=cost,
        examples=_examples(table, study, known),
    )


def _has(published: PublishedTable, measure: str) -> bool:
    return sum(measure in values for values in published.rows.values()) > 1


def _score_figures(
    table: TableSpecification,
    published: PublishedTable,
    rows: Mapping[str, Sequence[str]],
    study: Study,
    known: Mapping[str, Sequence[Evidence]],
) -> Lines:
    """Every published figure with every run of its row, and what the figure must have been where it is known to be wrong."""
    lines = []
    for row, values in published.rows.items():
        lines += _row_figures(row, row, values, table, rows, study, known)
    for row, values in (table.corrected or {}).items():
        lines += _row_figures(f"{row}, put right", row, values, table, rows, study, known)
    return lines


def _row_figures(
    label: str,
    row: str,
    values: Mapping[str, float],
    table: TableSpecification,
    rows: Mapping[str, Sequence[str]],
    study: Study,
    known: Mapping[str, Sequence[Evidence]],
) -> Lines:
    """The figures of one row; a row that nothing was run for says so."""
    names = {**(table.measures or {}), **((table.row_measures or {}).get(row, {}))}
    runs = [run for run in rows.get(row, ()) if run in known]
    lines = []
    for measure, figure in values.items():
        for run in runs:
            evidence = known[run][0]
            size = study.declared[run]["size_mb"]
            ours = our_figure(names.get(measure, measure), evidence, size, study.report.records)
            lines.append(figure_line(label, measure, figure, run, evidence, ours))
        if not runs:
            lines.append(plain_line(label, measure, figure, None, CANNOT, "not run"))
    return lines


def _others(
    table: TableSpecification,
    rows: Mapping[str, Sequence[str]],
    study: Study,
    known: Mapping[str, Sequence[Evidence]],
    own: bool,
) -> Lines:
    """Samples-F1 of what has no published figure: baselines first, then runs of the group that stand in no row."""
    baselines = [name for name, run in study.declared.items() if run["settings"].get("baseline")]
    placed = [(row, run) for row, runs in rows.items() for run in runs] if own else []
    extra = [(name, name) for name in without_counterpart(table, study.declared)]
    lines = []
    base = known.get(table.base or "", [None])[0]
    for label, run in [*((name, name) for name in baselines), *placed, *extra]:
        for evidence in known.get(run, ())[:1]:
            low, high = evidence.scores["intervals"]["f1_samples"]
            change = paired(evidence, base, study.draws, study.seed) if base and run != table.base else None
            lines.append(
                {
                    "row": label,
                    "run": run,
                    "variant": evidence.scores["variant"],
                    "evidence": evidence.label,
                    "f1_samples": evidence.scores["scores"]["f1_samples"],
                    "low": low,
                    "high": high,
                    "sd": evidence.scores["f1_samples_sd"] if len(evidence.scores["seeds"]) > 1 else None,
                    "seeds": len(evidence.scores["seeds"]),
                    "difference": change,
                }
            )
    if table.floor:
        lines += _floor(table, known, baselines)
    return lines


def _floor(table: TableSpecification, known: Mapping[str, Sequence[Evidence]], baselines: Sequence[str]) -> Lines:
    """What answering every record with the most frequent label scores."""
    for evidence in known.get(baselines[0], ())[:1]:
        constant = evidence.scores["constant"]
        names = (table.row_measures or {}).get(str(table.floor), {})
        said = ", ".join(f"{measure} {constant[ours]:.3f}" for measure, ours in names.items())
        label = f"always the most frequent label (beside the row {table.floor}: {said})"
        row = {"row": label, "run": "", "variant": "no training", "evidence": evidence.label}
        return [{**row, "f1_samples": constant["f1_samples"], "low": None, "high": None, "sd": None, "seeds": 0,
                 "difference": None}]  # fmt: skip
    return []


def _cost(runs: Sequence[str], known: Mapping[str, Sequence[Evidence]]) -> Lines:
    lines = []
    for run in dict.fromkeys(runs):
        for evidence in known.get(run, ())[:1]:
            scores = evidence.scores
            lines.append(
                {
                    "run": run,
                    "evidence": evidence.label,
                    "seeds": len(scores["seeds"]),
                    "train_seconds": scores["scores"]["train_seconds"],
                    "predict_seconds": scores["scores"]["predict_seconds"],
                    "device": scores["device"],
                }
            )
    return lines


def _examples(table: TableSpecification, study: Study, known: Mapping[str, Sequence[Evidence]]) -> Lines:
    """The same test records as each of the runs sees them."""
    lines: dict[str, dict[str, Any]] = {}
    for column, run in (table.examples or {}).items():
        for evidence in known.get(run, ())[:1]:
            for example in read_json(evidence.folder / EXAMPLES):
                line = lines.setdefault(f"{example['id']} {evidence.label}", {
                    "record": example["id"], "evidence": evidence.label, "true": ", ".join(example["true"]),
                })  # fmt: skip
                line[column] = ", ".join(example["predicted"]) or "nothing"
    return list(lines.values())
