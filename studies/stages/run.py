"""Train the runs of one group with each of their seeds, score them on test, and keep what tables need."""

from multilabel.core.parent import end_with_parent

if __name__ == "__main__":
    end_with_parent()  # before the imports that take seconds: an orphan of that time would train, and write, for nobody

import shutil
from pathlib import Path

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json
from multilabel.core.paths import MODELS, RAW
from multilabel.core.settings import parsed, read_section
from multilabel.data.dataset import load_split
from multilabel.models.devices import is_main_process
from multilabel.models.evaluation import Evaluation, EvaluationSettings
from multilabel.models.limits import Limits
from multilabel.reporting.tables import read_curves
from multilabel.studies.outcomes import Outcome, Sample, write_run
from multilabel.studies.runs import Run, read_runs
from multilabel.studies.specification import RUNS, SAMPLE
from multilabel.training.architectures import seeded
from multilabel.training.fitting import fit_and_evaluate

CURVES = "curves"  # where training logs, until the run is written


def run(group: str) -> None:
    """Write models/<group>/<run>/ (of the first seed) and metrics/runs/<group>/<run>/.

    What was trained before, in a run that was killed or in one whose settings did not change, is not trained again
    (training/reuse.py).
    """
    settings = parsed(EvaluationSettings, read_section("evaluate"), "evaluate")
    limits = parsed(Limits, read_section("limits"), "limits")
    for plan in read_runs(group):
        _train(plan, settings, limits)


def _train(plan: Run, settings: EvaluationSettings, limits: Limits) -> None:
    folder, dataset = RUNS / plan.group / plan.run, plan.architecture.model.dataset
    outcomes = []
    for seed in plan.seeds:
        curves = folder / f"{CURVES}_{seed}"
        evaluation = fit_and_evaluate(seeded(plan.architecture, seed), _model(plan, seed), curves, settings, limits)
        outcomes.append(_outcome(seed, evaluation, curves))
    if not is_main_process():
        return
    about = read_json(RAW / dataset / SAMPLE)
    sample = Sample(data=about["data"], records=about["records"], train_records=len(load_split(dataset, "train").ids))
    scores = write_run(folder, plan, sample, evaluation.model.labels, outcomes, settings.n_resamples)
    for seed in plan.seeds:
        shutil.rmtree(folder / f"{CURVES}_{seed}", ignore_errors=True)
        if seed != plan.seeds[0]:
            shutil.rmtree(_model(plan, seed))
    print(f"{plan.run}: f1_samples {scores['scores']['f1_samples']:.4f}, {len(outcomes)} seeds, scale {plan.scale}")


def _model(plan: Run, seed: int) -> Path:
    """Where a seed's model goes; what is not the first one's is removed once the run is scored."""
    path = MODELS / plan.group / plan.run
    return path if seed == plan.seeds[0] else path.with_name(f"{path.name}_{seed}")


def _outcome(seed: int, evaluation: Evaluation, curves: Path) -> Outcome:
    model = evaluation.model
    return Outcome(
        seed=seed,
        test=evaluation.predictions,
        row=evaluation.row,
        decodings=evaluation.decodings.set_index("decoding")["f1_samples"].to_dict(),
        curves=read_curves(curves),
        epochs=model.training.epochs,
        best_epoch=model.training.best_epoch,
    )


if __name__ == "__main__":
    run_stage(run, "group")
