"""Check every run and table of a study before the first one trains, and write down what each depends on.

What the report says of a run, with the size of that network, goes to each table that the run stands in; what is trained
at the scale of today, and the code that it uses, to files of its own: a changed run stales itself and its tables, and
nothing else.
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
from multilabel.studies.specification import DECLARED, PLANNED, SAMPLE, DeclaredRun, read_report
from multilabel.studies.tables import check_tables, involved, read_tables

LABELS = {"books": 5, "captions": 18}  # of the published data, for the size of the last layer
SCRIPTS = Path("../../src"), Path("../stages")


def resolve_runs(study: str, dataset: str) -> None:
    """Write data/{runs,resolved,code}/ with a file for every run, and data/declared/ with one for every table of a study."""
    params = read_params()
    shared, scale = read_study()
    for name in [*params["runs"], *params["tables"]]:
        check_name(name, f"studies/{study}/params.yaml")  # it becomes a path and a word of a command
    runs = {name: declared(name, params, dataset, shared) for name in params["runs"]}
    tables, report = read_tables(params), read_report()
    check_tables(study, tables, runs, report)
    epochs = Epochs(_train_records(dataset), report.train_records, params["train"]["batch_size"])
    sized = {name: _sized(run, LABELS[dataset]) for name, run in runs.items()}
    code = Code(*SCRIPTS)

    with replacing_folder(DECLARED) as folder:
        for name, table in tables.items():
            write_json(folder / f"{name}.json", {run: to_json(own) for run, own in involved(table, sized).items()})
    with replacing_folder(PLANNED) as planned, replacing_folder(RESOLVED) as resolved, replacing_folder(CODE) as used:
        for name, run in runs.items():
            content = to_json(at_scale(run, shared.scale, scale, epochs))
            write_json(planned / f"{name}.json", with_digests(content, run.architecture.model))
            write_json(resolved / f"{name}.json", content["architecture"])
            write_text(used / f"{name}.txt", code.fingerprint("run", content["architecture"]))
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
