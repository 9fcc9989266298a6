"""Assemble the tables about one group of runs: the published figures, ours beside them, and what follows."""

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.studies.comparison import Study
from multilabel.studies.evidence import gather
from multilabel.studies.rendering import table_markdown
from multilabel.studies.specification import TABLES, read_declared, read_report
from multilabel.studies.tables import compare as assemble
from multilabel.studies.tables import involved, read_tables


def compare(group: str) -> None:
    """Write tables/<group>/ with a file for each table, and print them."""
    declared, report = read_declared(group), read_report()
    known = gather(declared.runs)
    with replacing_folder(TABLES / group) as folder:
        for name, table in read_tables(declared.tables).items():
            content = assemble(name, table, Study(report, involved(table, declared.runs), known)).as_json()
            write_json(folder / f"{name}.json", content)
            print(table_markdown(content))


if __name__ == "__main__":
    run_stage(compare, "group")
