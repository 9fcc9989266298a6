"""Gather the tables and figures of all studies into one Markdown page per report and one HTML page that opens offline."""

from pathlib import Path

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder, write_json, write_text
from multilabel.core.paths import REPORTS
from multilabel.core.yaml_files import read_yaml
from multilabel.reporting.html import self_contained_html
from multilabel.reporting.markdown import Markdown
from multilabel.studies.pages import ReportedStudy, index, verdicts

STUDIES = Path("studies")
PAGES = REPORTS / "studies"


def report_studies() -> None:
    """Write reports/studies/: a page for each study, its figures, README.md and verdicts.json; and reports/studies.html."""
    studies = [ReportedStudy(name, STUDIES / name) for name in read_yaml(STUDIES / "params.yaml")["studies"]]
    with replacing_folder(PAGES) as folder:
        (folder / "figures").mkdir()
        pages = {study.name: study.page(folder / "figures") for study in studies}
        for name, page in pages.items():
            write_text(folder / f"{name}.md", page)
        write_text(folder / "README.md", index(studies, alone=True))
        found = verdicts(studies)
        write_json(folder / "verdicts.json", found)
        whole = Markdown("\n".join([index(studies, alone=False), *pages.values()]))
        write_text(REPORTS / "studies.html", self_contained_html(whole, "Five reports, table by table", folder))
    print(f"{len(found['claims'])} comparisons with evidence; reports/studies/README.md lists them")


if __name__ == "__main__":
    run_stage(report_studies)
