"""Assemble one table of a study: the published figures, ours beside them, and what follows."""

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, write_json
from multilabel.core.settings import read_params
from multilabel.studies.places import DECLARED, TABLES
from multilabel.studies.published import read_report
from multilabel.studies.rendering import table_markdown
from multilabel.studies.specifications import read_tables
from multilabel.studies.table_kinds import Study
from multilabel.studies.tables import compare as assemble


def compare(name: str) -> None:
    """Write tables/<table>.json and print the table."""
    params = read_params()
    runs = read_json(DECLARED / f"{name}.json")
    study = Study(read_report(), runs, params["evaluate"]["bootstrap"], params["seed"])
    table = assemble(name, read_tables(params)[name], study)
    write_json(TABLES / f"{name}.json", table.as_json())
    print(table_markdown(table.as_json()))


if __name__ == "__main__":
    run_stage(compare, "name")
