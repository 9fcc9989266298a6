"""Gather every table and figure into reports/report.md and one HTML page that opens offline, and one to look around in."""

from pathlib import Path
from typing import Any

import pandas as pd

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing, replacing_folder, write_text
from multilabel.core.paths import EXPLANATIONS, PER_RECORD, REPORTS
from multilabel.core.settings import inherit, parsed, read_params
from multilabel.metrics import per_record
from multilabel.reporting import tables
from multilabel.reporting.answers import on_deletion, on_pointing
from multilabel.reporting.data_section import data_section
from multilabel.reporting.explored import explored, reasons_by_architecture
from multilabel.reporting.explorer import explorer
from multilabel.reporting.figures import Figures
from multilabel.reporting.html import self_contained_html
from multilabel.reporting.markdown import Markdown, render
from multilabel.reporting.result_section import Reported, result_section
from multilabel.reporting.results import stored, there
from multilabel.reporting.settings import ReportSettings

TITLE = "Multi-label classification: report"
EXPLORER_TITLE = "Multi-label classification: explorer"


def report() -> None:
    """Write reports/report.md and report.html with its figures and tables, and explorer.html."""
    params = read_params()
    settings = parsed(ReportSettings, params.get("report"), "report")
    reported = Reported(
        seed=params["seed"],
        n_resamples=params["evaluate"]["n_resamples"],
        limits=params.get("limits") or {},
        sample_predictions=settings.sample_predictions,
        submissions=list(params.get("submission") or {}),
    )
    named, explanations = params.get("architectures") or {}, params.get("explanations") or {}
    blocks = {name: inherit(named, name, "architectures") for name in named}
    with replacing_folder(REPORTS / "figures") as folder:
        figures = Figures(folder, "figures")
        data = {name: data_section(name, figures) for name in params["datasets"]}
        results = {name: result_section(name, blocks, reported, figures) for name in data}
        told = [section for section in results.values() if section]
        changes = tables.ablations(params.get("ablations") or {})
        markdown = render(
            "report.md.j2",
            title=TITLE,
            reported=reported,
            devices=sorted({device for section in told for device in section.leaders["device"]}),
            data=data,
            results=results,
            ablations=tables.changes_markdown(changes, "ablation", "base") if changes else None,
            explanations=_explanations(explanations, figures),
            short=tables.short_markdown,
            wide=tables.markdown,
        )
        reasons = reasons_by_architecture(explanations)
        leaders = {name: own.leaders if own else tables.leaderboard([], name) for name, own in results.items()}
        number, seed = settings.explorer_records, reported.seed
        browsed = [explored(name, own, blocks, reasons, number, seed) for name, own in leaders.items()]
    # All that can fail for want of a file lies before: where it does, the whole report before stays.
    write_text(REPORTS / "report.md", markdown)
    write_text(REPORTS / "report.html", self_contained_html(markdown, TITLE, REPORTS))
    write_text(REPORTS / "explorer.html", explorer(browsed, EXPLORER_TITLE))
    _write_table([section.joined_curves for section in told], REPORTS / "curves.tsv", "\t")
    _write_table([section.per_label for section in told], REPORTS / "per_label.csv", ",")
    per_record.write([section.per_record for section in told], PER_RECORD)
    for name, section in results.items():
        if section:
            print(f"\n{name}, seed {reported.seed}\n\n{tables.short_markdown(section.leaders)}")


def _explanations(blocks: dict[str, Any], figures: Figures) -> list[tuple[str, list[Markdown], list[Markdown]]]:
    """The network that each explanation is of, what was measured of it, and its figures."""
    found = []
    for name, block in blocks.items():
        drawn = tables.explained(there(EXPLANATIONS / name, "explain", name))
        shown = [figures.copy(f"{name}_{path.stem}", text, path) for path, text in drawn]
        scores = stored("explain", name)
        found.append((block["of"], on_pointing(scores) + on_deletion(scores), shown))
    return found


def _write_table(parts: list[pd.DataFrame], path: Path, separator: str) -> None:
    """Parts of several datasets as one table."""
    table = pd.concat(parts) if parts else pd.DataFrame(columns=["dataset"])
    with replacing(path) as partial:
        table.to_csv(partial, sep=separator, index=False, float_format="%.6f", lineterminator="\n")


if __name__ == "__main__":
    run_stage(report)
