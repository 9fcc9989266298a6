"""Where a study keeps what, relative to its folder, in which its stages run."""

from pathlib import Path

ROOT = Path("../..")  # the root pipeline, whose data a study samples
SHARED = Path("../params.yaml")  # settings of all studies
DECLARED = Path("data/declared")  # <table>.json with its runs as the report says
RUNS = Path("metrics/runs")  # <group>/<run>/ with the files below
COUNTS = Path("metrics/counts.json")
RECORD = Path("record")  # <run>/ with the same files, and counts.json: bigger runs made elsewhere, kept in git
TABLES = Path("tables")
EXPLANATIONS = Path("reports/explain")

SCORES = "scores.json"
RECORDS = "f1_per_record.parquet"
LABELS = "per_label.csv"
EXAMPLES = "examples.json"
CURVES = "curves"
SAMPLE = "sample.json"  # beside the records: of what they are a sample
