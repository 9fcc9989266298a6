"""Tables that are no table of scores: settings, a log, scores per label, published weights, a split, counts, examples."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from multilabel.core.files import read_json
from multilabel.reporting.tables import read_curve
from multilabel.studies.comparisons import CANNOT, FAILS, HOLDS, Figure, Lines, figure_line
from multilabel.studies.eda_tables import eda_figures
from multilabel.studies.evidence import Evidence
from multilabel.studies.exact_figures import digits, plain_line
from multilabel.studies.places import COUNTS, CURVES, LABELS
from multilabel.studies.published import PublishedTable, Report
from multilabel.studies.specifications import TableSpecification


@dataclass(frozen=True)
class Study:
    """What a table is made of: the report, the study's runs as declared, and how intervals are drawn."""

    report: Report
    declared: Mapping[str, Mapping[str, Any]]
    draws: int
    seed: int


def _settings(
    table: TableSpecification, published: PublishedTable, study: Study, known: Mapping[str, Sequence[Evidence]]
) -> Lines:
    """What the report says against what its runs declare, whatever the scale of today."""
    lines = []
    for name, figure in published.rows.items():
        sources = (table.settings or {}).get(name)
        if sources is None:
            lines.append(plain_line(name, "", figure, None, CANNOT, "no run has this setting"))
            continue
        ((path, runs),) = sources.items()
        found = list(dict.fromkeys(_reached(study.declared[run]["settings"], path) for run in runs))
        ours: Any = found if isinstance(figure, list) else found[0]
        same = (SAME.get(figure, figure) if isinstance(figure, str | bool) else figure) == ours
        lines.append(
            plain_line(name, path, figure, ours, HOLDS if same else FAILS, "" if same else "see the run's block")
        )
    return lines


SAME: Mapping[Any, Any] = {  # the reports' words -> ours
    "Adam": "adam",
    "AdamW": "adamw",
    "FastText skip gram": "fasttext_skip_gram",
    True: "attention",
}


def _reached(settings: Mapping[str, Any], path: str) -> Any:
    value: Any = settings
    for key in path.split("."):
        value = value[key]
    return value


def _log(
    table: TableSpecification, published: PublishedTable, study: Study, known: Mapping[str, Sequence[Evidence]]
) -> Lines:
    """The mean of the losses that are printed of an epoch against the epoch's mean."""
    log = table.log or {}
    lines = []
    for evidence in known.get(log["run"], ())[:1]:
        curve = read_curve(evidence.folder / CURVES, log["curve"])
        values = [] if curve is None else curve["value"].tolist()
        caveats = (*evidence.caveats(study.report.records), "no interval for one run")
        for number, (row, printed) in enumerate(published.rows.items()):
            figure = statistics.fmean(printed["loss"])
            ours = Figure(values[number] if number < len(values) else None, caveats=caveats)
            lines.append(figure_line(row, "loss", figure, log["run"], evidence, ours))
    return lines


def _per_label(
    table: TableSpecification, published: PublishedTable, study: Study, known: Mapping[str, Sequence[Evidence]]
) -> Lines:
    lines = []
    for run in table.per_label or ():
        for evidence in known.get(run, ())[:1]:
            found = pd.read_csv(evidence.folder / LABELS, dtype={"label": str}).set_index("label")
            caveats = (*evidence.caveats(study.report.records), "no interval per label")
            for row, values in published.rows.items():
                label = row.rpartition(" ")[2]
                for measure, figure in values.items():
                    if label not in found.index:
                        lines.append(plain_line(row, measure, figure, None, CANNOT, "no record has this label", run))
                        continue
                    ours = Figure(float(found.loc[label, measure]), caveats=caveats)
                    lines.append(figure_line(row, measure, figure, run, evidence, ours))
    return lines


def _weights(
    table: TableSpecification, published: PublishedTable, study: Study, known: Mapping[str, Sequence[Evidence]]
) -> Lines:
    """What torchvision says of the first weights of each network."""
    from torchvision.models import get_model_weights

    lines = []
    for row, network in (table.weights or {}).items():
        first = next(iter(get_model_weights(network)))
        meta = first.meta
        top = meta["_metrics"]["ImageNet-1K"]
        ours = {
            "size_mb": meta["_file_size"],
            "parameters_m": meta["num_params"] / 1e6,
            "gflops": meta["_ops"],
            "top1": top["acc@1"],
            "top5": top["acc@5"],
        }
        for measure, figure in published.rows[row].items():
            near = abs(ours[measure] - figure) <= 0.5 * 10 ** -digits(figure) + 1e-9
            because = "" if near else "not the first weights of torchvision"
            lines.append(plain_line(row, measure, figure, ours[measure], HOLDS if near else FAILS, because, str(first)))
    return lines


def _split(
    table: TableSpecification, published: PublishedTable, study: Study, known: Mapping[str, Sequence[Evidence]]
) -> Lines:
    """Shares of the splits: the records themselves depend on the data at hand."""
    split = read_json(COUNTS.parent / "split" / f"{next(iter(study.declared.values()))['settings']['dataset']}.json")
    total = sum(row["records"] for row in published.rows.values())
    lines = []
    for row, values in published.rows.items():
        ours = split["valid" if row == "validation" else row]["records"] / split["records"]
        share = values["records"] / total
        near = abs(ours - share) < 0.02  # groups of duplicates are not cut
        lines.append(
            plain_line(row, f"share ({values['records']:,} records)", share, ours, HOLDS if near else FAILS, "")
        )
    return lines


def _eda(
    table: TableSpecification, published: PublishedTable, study: Study, known: Mapping[str, Sequence[Evidence]]
) -> Lines:
    return eda_figures(str(table.eda), published)


def _no_figures(
    table: TableSpecification, published: PublishedTable, study: Study, known: Mapping[str, Sequence[Evidence]]
) -> Lines:
    return []


KINDS: dict[str, Callable[..., Lines]] = {  # key of a specification -> how its figures come about
    "settings": _settings,
    "log": _log,
    "per_label": _per_label,
    "weights": _weights,
    "split": _split,
    "eda": _eda,
    "examples": _no_figures,
}
