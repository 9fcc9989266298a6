"""Draw the labelled records that a study gets at its scale from what the root pipeline ingested."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import RAW, records_file
from multilabel.core.settings import read_section
from multilabel.data.records import ROWS_PER_GROUP
from multilabel.studies.origin import origin
from multilabel.studies.places import ROOT, SAMPLE
from multilabel.studies.scales import read_study


def sample(dataset: str) -> None:
    """Write data/raw/<dataset>/: records.parquet, and sample.json, which says of what it is a sample."""
    _, scale = read_study()
    table = pq.read_table(ROOT / records_file(dataset))
    labelled = np.flatnonzero(table["labels"].is_valid().to_numpy())
    chosen = labelled
    if scale.records is not None and scale.records < len(labelled):
        random = np.random.default_rng(read_section("seed"))
        chosen = np.sort(random.choice(labelled, scale.records, replace=False))

    about = {
        "data": origin(dataset),
        "records": len(chosen),
        "of": len(labelled),
    }
    with replacing_folder(RAW / dataset) as folder:
        pq.write_table(table.take(pa.array(chosen)), folder / records_file(dataset).name, row_group_size=ROWS_PER_GROUP)
        write_json(folder / SAMPLE, about)
    print(f"{dataset}: {len(chosen):,} of {len(labelled):,} labelled records, {about['data']}")


if __name__ == "__main__":
    run_stage(sample, "dataset")
