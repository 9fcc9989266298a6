"""Assemble one table of a study: the published figures, ours beside them, and what follows."""

from multilabel.core.errors import run_stage
from multilabel.core.files import write_json
from multilabel.core.settings import read_params
from multilabel.studies.rendering import table_markdown
from multilabel.studies.specification import TABLES, read_declared, read_report
from multilabel.studies.tables import compare as assemble
from multilabel.studies.tables import read_tables


def compare(name: str) -> None:
    """Write tables/<table>.json and print the table."""
    table = assemble(name, read_tables(read_params())[name], read_report(), read_declared(name))
    write_json(TABLES / f"{name}.json", table.as_json())
    print(table_markdown(table.as_json()))


if __name__ == "__main__":
    run_stage(compare, "name")
