"""Draw the labelled records that a study gets at its scale from what the root pipeline ingested."""

import numpy as np

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import RAW, records_file
from multilabel.core.settings import parsed, read_section
from multilabel.data.records import copy_records, read_records
from multilabel.data.splits import SplitSettings
from multilabel.studies.runs import read_study
from multilabel.studies.specification import ROOT, SAMPLE, origin


def sample(dataset: str) -> None:
    """Write data/raw/<dataset>/: records.parquet, and sample.json, which says of what it is a sample."""
    _, scale = read_study()
    labelled = np.flatnonzero(read_records(ROOT / records_file(dataset), ["labels"])["labelled"])
    chosen = labelled
    if scale.records is not None and scale.records < len(labelled):
        random = np.random.default_rng(parsed(SplitSettings, read_section("split"), "split").seed)
        chosen = np.sort(random.choice(labelled, scale.records, replace=False))

    about = {
        "data": origin(dataset),
        "records": len(chosen),
        "of": len(labelled),
    }
    with replacing_folder(RAW / dataset) as folder:
        copy_records(ROOT / records_file(dataset), folder / records_file(dataset).name, chosen)
        write_json(folder / SAMPLE, about)
    print(f"{dataset}: {len(chosen):,} of {len(labelled):,} labelled records, {about['data']}")


if __name__ == "__main__":
    run_stage(sample, "dataset")
