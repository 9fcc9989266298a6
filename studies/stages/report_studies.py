"""Gather the tables and figures of all studies into one Markdown page per report and one HTML page that opens offline."""

import shutil
from pathlib import Path
from typing import Any

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, replacing_folder, write_text
from multilabel.core.paths import REPORTS
from multilabel.core.yaml_files import read_yaml
from multilabel.reporting import plots, tables
from multilabel.reporting.html import self_contained_html
from multilabel.reporting.markdown import Markdown, render
from multilabel.studies.evidence import gather
from multilabel.studies.lines import CANNOT
from multilabel.studies.rendering import says_nothing, table_markdown
from multilabel.studies.specification import (
    EXPLANATIONS,
    RUNS,
    SCORES,
    TABLES,
    read_contradictions,
    read_report,
)

STUDIES = Path("studies")
PAGES = REPORTS / "studies"


def report_studies() -> None:
    """Write reports/studies/<study>.md, its figures, and reports/studies.html."""
    shared = read_yaml(STUDIES / "params.yaml")
    with replacing_folder(PAGES) as folder:
        (folder / "figures").mkdir()
        pages = {}
        for name in shared["studies"]:
            pages[name] = _page(name, STUDIES / name, shared["study"]["scale"], folder)
            write_text(folder / f"{name}.md", pages[name])
        verdicts = _verdicts(shared["studies"])
        write_text(folder / "README.md", render("studies.md.j2", verdicts=verdicts, studies=list(shared["studies"])))
        whole = Markdown("\n".join([render("studies.md.j2", verdicts=verdicts, studies=[]), *pages.values()]))
        write_text(REPORTS / "studies.html", self_contained_html(whole, "Five reports, table by table", folder))
    print(
        f"{sum(len(lines) for lines in verdicts.values())} claims with evidence; reports/studies/README.md lists them"
    )


def _page(name: str, study: Path, scale: str, folder: Path) -> str:
    params, report = read_yaml(study / "params.yaml"), read_report(study)
    contradictions = read_contradictions(study)
    tables = []
    for table in params["tables"]:
        content = read_json(study / TABLES / f"{table}.json")
        cited = content["contradictions"]
        tables.append(
            {
                "name": table,
                "markdown": table_markdown(content),
                "notes": [f"{key}: {contradictions[key]}" for key in cited],
                "figures": _figures(table, content, study, folder / "figures"),
            }
        )
    named = {key for table in tables for key in (note.partition(":")[0] for note in table["notes"])}
    return render(
        "study.md.j2",
        name=name,
        report=report,
        scale=scale,
        runs=len(params["runs"]),
        tables=tables,
        explanations=_explanations(params.get("explanations") or {}, study, folder / "figures"),
        unavailable=params.get("unavailable") or {},
        further=[f"{key}: {text}" for key, text in contradictions.items() if key not in named],
    )


def _figures(name: str, table: dict[str, Any], study: Path, folder: Path) -> list[tuple[str, str]]:
    """Published figures beside ours, and the validation curves of the runs: paths, and what they show."""
    drawn = []
    scored = [line for line in table["figures"] if line["measure"] in ("f1", "f1_macro") and line["ours"] is not None]
    lines = [line for line in scored if not says_nothing(line)]
    if table["kind"] == "results" and len(lines) > 1:
        shown = [{"value": line["ours"], "low": line["low"], "high": line["high"]} for line in lines]
        labels = [f"{line['row']} ({line['variant']}, {line['evidence']})" for line in lines]
        plots.beside(labels, [line["published"] for line in lines], shown, table["title"], folder / f"{name}.png")
        drawn.append((f"figures/{name}.png", "published and ours, 95 % intervals"))
    found = {}
    for run, known in gather([line["run"] for line in table["cost"]], study).items():
        curve = known[0].source.curve("valid/f1_samples")
        if curve is not None and len(curve) > 1:
            found[run] = curve
    if len(found) > 1:
        plots.curves(found, "valid/f1_samples", folder / f"{name}_curves.png")
        drawn.append((f"figures/{name}_curves.png", "samples-F1 on valid by epoch"))
    return drawn


def _explanations(blocks: dict[str, Any], study: Path, folder: Path) -> list[dict[str, Any]]:
    found = []
    for name, block in blocks.items():
        figures = []
        for source, caption in tables.explained(study / EXPLANATIONS / name):
            shutil.copy(source, folder / f"{name}_{source.name}")
            figures.append((f"figures/{name}_{source.name}", caption))
        scores = read_json(next((study / RUNS).glob(f"*/{block['of']}/{SCORES}")))
        evidence = f"{scores['scale']}, {scores['data']}"
        found.append({"name": name, "of": block["of"], "evidence": evidence, "figures": figures})
    return found


def _verdicts(studies: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Study -> claims that real data at a larger scale say something about."""
    found = {}
    for name in studies:
        lines = []
        for table in read_yaml(STUDIES / name / "params.yaml")["tables"]:
            content = read_json(STUDIES / name / TABLES / f"{table}.json")
            told = [line for line in content["claims"] if line["verdict"] != CANNOT]
            lines += [{**line, "table": content["title"]} for line in told]
        found[name] = lines
    return found


if __name__ == "__main__":
    run_stage(report_studies)
