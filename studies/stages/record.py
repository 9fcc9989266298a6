"""Keep what a study ran at a larger scale on real data: `python studies/record.py r4` copies it to studies/r4/record/.

Tables show a record beside, and rather than, what this checkout can run. Models and texts are not copied.
"""

import argparse
import json
import shutil
from pathlib import Path

HERE = Path(__file__).parent


def record(study: Path) -> list[str]:
    """The names of the runs that were copied; generated data and the smoke scale are no evidence and stay behind."""
    kept = []
    for scores in sorted(study.glob("metrics/runs/*/*/scores.json")):
        about = json.loads(scores.read_text())
        if about["scale"] != "smoke" and about["data"] != "generated":
            shutil.copytree(scores.parent, study / "record" / about["run"], dirs_exist_ok=True)
            kept.append(about["run"])
    counts = study / "metrics" / "counts.json"
    if counts.exists() and json.loads(counts.read_text())["data"] != "generated":
        shutil.copy(counts, study / "record")
        kept.append("counts.json")
    return kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=sorted(path.parent.name for path in HERE.glob("*/params.yaml")))
    print("recorded: " + (", ".join(record(HERE / parser.parse_args().study)) or "nothing"))
