"""Check all settings before anything trains, and write down what each run depends on: its settings and its code.

A run depends on its own files only: changing a default retrains just the runs that use it, and changing the library just
those that lead to what was changed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from multilabel.core.errors import UserError, noting, run_stage
from multilabel.core.files import replacing_folder, write_json, write_text
from multilabel.core.fingerprint import Code
from multilabel.core.paths import CODE, EDA, ENCODED, EXPLANATIONS, METRICS, MODELS, PREDICTIONS, RAW, RESOLVED
from multilabel.core.settings import to_json
from multilabel.models.pretrained import with_digests
from multilabel.params import cautions, check_studies, read
from multilabel.training.checks import advice, check
from multilabel.training.settings import Architecture

SCRIPTS = Path("src"), Path("studies/stages")
STUDIES = Path("studies/params.yaml")
# The report depends on these, also where params.yaml names nothing that is put there.
REPORTED = (RAW, EDA, ENCODED, EXPLANATIONS, PREDICTIONS, *(METRICS / stage for stage in (
    "ablate", "eda", "evaluate", "explain", "ingest", "split", "submission")))  # fmt: skip
TRAINERS = {"architectures": "train", "ablations": "ablate"}  # section -> the script that runs its blocks


def resolve() -> None:
    """Write data/resolved/<name>.json and data/code/<name>.txt for each run, and data/code/stages/ for the rest."""
    params = read()
    architectures = {"architectures": params.architectures, "ablations": params.ablations}
    mistakes = check_studies(STUDIES) if STUDIES.exists() else []
    mistakes += [line for section, found in architectures.items() for line in _unbuildable(section, found)]
    if mistakes:
        raise UserError(*dict.fromkeys(mistakes))
    for note in [*cautions(params), *(note for found in architectures.values() for note in _advice(found))]:
        print(f"note: {note}")
    code = Code(*(folder for folder in SCRIPTS if folder.exists()))

    for folder in (*REPORTED, *(MODELS / name for name in params.datasets)):  # also of a dataset that nothing reads
        folder.mkdir(parents=True, exist_ok=True)
    with replacing_folder(RESOLVED) as settings, replacing_folder(CODE) as used:
        for section, found in architectures.items():
            for name, architecture in found.items():
                content = to_json(architecture)
                write_json(settings / f"{name}.json", with_digests(content, architecture.model))
                write_text(used / f"{name}.txt", code.fingerprint(TRAINERS[section], content))
        for script in code.scripts:
            write_text(used / "stages" / f"{script}.txt", code.fingerprint(script))
    numbers = [len(found) for found in architectures.values()]
    print("{} architectures and {} ablations are sound".format(*numbers))


def _unbuildable(section: str, architectures: Mapping[str, Architecture]) -> Iterator[str]:
    """A line for each network that cannot be built, with its place."""
    for name, architecture in architectures.items():
        lines: list[str] = []
        with noting(lines):
            check(architecture)
        where = f"architectures.{name}"
        yield from (
            line.replace(where, f"{section}.{name}") if where in line else f"{section}.{name}: {line}" for line in lines
        )


def _advice(architectures: Mapping[str, Architecture]) -> Iterator[str]:
    for name, architecture in architectures.items():
        yield from (f"{name}: {note}" for note in advice(architecture))


if __name__ == "__main__":
    run_stage(resolve)
