"""What the studies of this repository declare."""

import yaml
from conftest import ROOT

from multilabel.studies.runs import Scale, StudySettings

STUDIES = ROOT / "studies"
SHARED = yaml.safe_load((STUDIES / "params.yaml").read_text())
PARAMS = {name: yaml.safe_load((STUDIES / name / "params.yaml").read_text()) for name in SHARED["studies"]}
RUNS = [(study, run) for study, params in PARAMS.items() for run in params["runs"]]
RANDOM = StudySettings(scale="full", weights="random", stand_ins={})
SMOKE, FULL = (Scale(**SHARED["scales"][name]) for name in ("smoke", "full"))
