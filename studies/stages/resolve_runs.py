"""Check every run and table of a study before the first one trains, and write down what each depends on.

What the report says of a run, with the size of that network, goes to each group of whose tables one looks at it; what is
trained at the scale of today, and the code that this uses, to its own group: a changed run stales its group and the tables
that look at it, and nothing else.
"""

from pathlib import Path

from accelerate import init_empty_weights

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, replacing_folder, write_json, write_text
from multilabel.core.fingerprint import Code
from multilabel.core.paths import CODE, RAW, RESOLVED
from multilabel.core.settings import check_name, parsed, read_params, read_section, to_json
from multilabel.data.splits import SplitSettings
from multilabel.models.folder import MB
from multilabel.models.network import build
from multilabel.models.pretrained import with_digests
from multilabel.models.settings import NetworkSettings
from multilabel.studies.runs import Epochs, Run, at_scale, declared, read_study
from multilabel.studies.specification import (
    DECLARED,
    PLANNED,
    SAMPLE,
    DeclaredGroup,
    DeclaredRun,
    read_groups,
    read_report,
)
from multilabel.studies.tables import check_tables, involved, read_tables

LABELS = {"books": 5, "captions": 18}  # of the published data, for the size of the last layer
SCRIPTS = Path("../../src"), Path("../stages")


def resolve_runs(study: str, dataset: str) -> None:
    """Write data/{runs,resolved}/ with a file for every run, and data/{code,declared}/ with one for every group of a study."""
    params = read_params()
    shared, scale = read_study()
    for name in [*params["runs"], *params["tables"], *params["groups"]]:
        check_name(name, f"studies/{study}/params.yaml")  # it becomes a path and a word of a command
    runs = {name: declared(name, params, dataset, shared) for name in params["runs"]}
    groups, tables, report = read_groups(study, params["groups"]), read_tables(params["tables"]), read_report()
    check_tables(study, groups, tables, runs, report)
    epochs = Epochs(_train_records(dataset), report.train_records, params["train"]["batch_size"])
    sized = {name: _sized(run, LABELS[dataset]) for name, run in runs.items()}
    planned = {name: to_json(at_scale(run, shared.scale, scale, epochs)) for name, run in runs.items()}

    with replacing_folder(DECLARED) as folder:
        for group in groups:
            about = {name: table for name, table in tables.items() if table.runs == group}
            looked_at = {name: run for table in about.values() for name, run in involved(table, sized).items()}
            blocks = {name: params["tables"][name] for name in about}
            write_json(folder / f"{group}.json", to_json(DeclaredGroup(tables=blocks, runs=looked_at)))
    with replacing_folder(PLANNED) as folder:
        for name, run in runs.items():
            write_json(folder / run.group / f"{name}.json", with_digests(planned[name], run.architecture.model))
    with replacing_folder(RESOLVED) as folder:
        for name, plan in planned.items():
            write_json(folder / f"{name}.json", plan["architecture"])
    code = Code(*SCRIPTS)
    with replacing_folder(CODE) as folder:
        for group in groups:
            trained = [planned[name]["architecture"] for name, run in runs.items() if run.group == group]
            write_text(folder / f"{group}.txt", code.fingerprint("run", trained))
    print(f"{study}: {len(runs)} runs and {len(tables)} tables are sound, scale {shared.scale}")


def _train_records(dataset: str) -> int:
    """How many records of the sample train."""
    split = parsed(SplitSettings, read_section("split"), "split")
    return round(read_json(RAW / dataset / SAMPLE)["records"] * (1 - split.valid - split.test))


def _sized(run: Run, labels: int) -> DeclaredRun:
    settings, parameters, size = run.architecture.model, None, None
    if isinstance(settings, NetworkSettings):
        tokenization = settings.text.tokenization if settings.text else None
        with init_empty_weights():
            net = build(settings, tokenization.vocabulary if tokenization else 0, labels)
        parameters = sum(p.numel() for p in net.parameters())
        size = round(sum(value.numel() for value in net.state_dict().values()) * 4 / MB, 3)
    about = vars(run) | {"architecture": to_json(run.architecture)}
    return DeclaredRun(**about, parameters=parameters, size_mb=size)


if __name__ == "__main__":
    run_stage(resolve_runs, "study", "dataset")
