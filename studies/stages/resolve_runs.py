"""Check every run and table of a study before the first one trains, and write down all settings of each run.

What the report says of a run, with the size of that network, goes to each table that the run stands in; what is trained
at the scale of today, to a file of its own: a changed run stales itself and its tables, and nothing else.
"""

from accelerate import init_empty_weights

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import RESOLVED
from multilabel.core.settings import read_params
from multilabel.models.model import MB
from multilabel.models.network import build
from multilabel.studies.places import DECLARED
from multilabel.studies.published import read_report
from multilabel.studies.runs import at_scale, declared
from multilabel.studies.scales import read_study
from multilabel.studies.specifications import check_tables, involved

LABELS = {"books": 5, "captions": 18}  # of the published data, for the size of the last layer


def resolve_runs(study: str, dataset: str) -> None:
    """Write data/resolved/<run>.json for every run, and data/declared/<table>.json for every table of a study."""
    params = read_params()
    shared, scale = read_study()
    runs = {name: declared(name, params, dataset, shared) for name in params["runs"]}
    tables = check_tables(study, params, runs, read_report())
    sized = {name: {**run, **_size(run["settings"], LABELS[dataset])} for name, run in runs.items()}

    with replacing_folder(DECLARED) as folder:
        for name, table in tables.items():
            write_json(folder / f"{name}.json", involved(table, sized))
    with replacing_folder(RESOLVED) as folder:
        for name, run in runs.items():
            write_json(folder / f"{name}.json", at_scale(run, shared.scale, scale))
    print(f"{study}: {len(runs)} runs and {len(tables)} tables are sound, scale {shared.scale}")


def _size(settings: dict, labels: int) -> dict[str, float | None]:
    """Parameters and MB in fp32 at full width; a fitted vocabulary is counted at its limit."""
    if settings.get("baseline"):
        return {"parameters": None, "size_mb": None}
    text = settings["text"]
    with init_empty_weights():
        net = build(settings, text.get("vocabulary", 0) if text else 0, labels)
    numbers = sum(value.numel() for value in net.state_dict().values())
    return {"parameters": sum(p.numel() for p in net.parameters()), "size_mb": round(numbers * 4 / MB, 3)}


if __name__ == "__main__":
    run_stage(resolve_runs, "study", "dataset")
