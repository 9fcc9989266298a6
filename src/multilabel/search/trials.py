"""Trials of a search: each trains the architecture with other settings, and ends early where it falls behind the others.

Trials are kept in a journal that several processes write to, so that a search goes on where it stopped. A trial trains as
`dvc repro` would, on the same records, and what it ended with is kept (training/reuse.py): the best one, once its block stands in
params.yaml, is taken from there.
"""

import hashlib
import json
import shutil
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from multilabel.core.errors import UserError
from multilabel.core.paths import CACHE, CHECKPOINTS, labels_file, records_file
from multilabel.core.settings import as_block, inherit, read_params
from multilabel.core.yaml_files import read_yaml
from multilabel.metrics.scores import METRICS
from multilabel.params import sound
from multilabel.search.space import corners, laid
from multilabel.training.architectures import resolve
from multilabel.training.checks import check
from multilabel.training.fitting import train
from multilabel.training.settings import Architecture, NetworkArchitecture

SEARCHES = CACHE / "searches"
NAME = "searched"  # of the architecture that a trial trains
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
UNPRUNED, STARTUP = 1, 5  # epochs of every trial, and trials, that run to their end whatever they score
KILLED, BLOCK, EPOCHS, SECONDS = "killed", "block", "epochs", "seconds"  # what is noted of a trial


@dataclass(frozen=True)
class Search:
    """A file with `base:`, the architecture that is changed, and `changes:`, in which some values are to be found."""

    path: Path
    base: str
    block: Mapping[str, Any]  # of the base, laid over its own bases
    changes: Mapping[str, Any]
    train: Mapping[str, Any]
    seed: int

    @classmethod
    def read(cls, path: Path) -> "Search":
        """Raises `UserError` with all mistakes of the file and of every choice in it."""
        params = read_params()
        sound(params)
        content = as_block(read_yaml(path), str(path))
        if set(content) != {"base", "changes"}:
            raise UserError(
                f"{path}: expected `base:`, the name of an architecture, and `changes:`, got {', '.join(map(str, content))}"
            )
        base, blocks = content["base"], params["architectures"]
        changes = as_block(content["changes"], f"{path}: changes")
        if not isinstance(base, str) or base not in blocks:
            raise UserError(
                f"{path}: base {base!r} is none of the architectures in params.yaml; name one of {', '.join(blocks)}"
            )
        own = cls(path, base, inherit(blocks, base, "architectures"), changes, params["train"], params["seed"])
        try:
            mistakes = [line for block in corners(own.block, own.changes) for line in own.mistakes(block)]
        except UserError as error:
            mistakes = [f"changes: {line}" for line in error.args]
        if mistakes:
            raise UserError(*(f"{path}: {line}" for line in dict.fromkeys(mistakes)))
        return own

    @property
    def name(self) -> str:
        """The file's, with a digest of all that makes trials comparable: another space or base is another search."""
        parts = [self.base, self.block, self.changes, self.train, self.seed]
        return f"{self.path.stem}-{_digest(parts)}"

    def architecture(self, block: Mapping[str, Any]) -> Architecture:
        """Of a trial; its name is the same wherever the block is, so that a killed training goes on."""
        name = f"{NAME}_{_digest(block)}"
        return resolve(name, {name: block}, self.train, self.seed)

    def mistakes(self, block: Mapping[str, Any]) -> list[str]:
        """What is wrong with a block that a trial could be given."""
        try:
            architecture = self.architecture(block)
            if not isinstance(architecture, NetworkArchitecture):
                return [f"base {self.base!r} is no network, and networks alone are searched; name one"]
            check(architecture)
        except UserError as error:
            return [str(line).replace(f"architectures.{NAME}_{_digest(block)}", "changes") for line in error.args]
        return []


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:8]


def study_of(search: Search, seed: int = 0) -> optuna.Study:
    """The trials so far; a sampler that goes on draws from another seed than it began with."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    SEARCHES.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.create_study(
            study_name=search.name,
            storage=JournalStorage(JournalFileBackend(str(SEARCHES / f"{search.name}.journal"))),
            sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=UNPRUNED),
            direction="maximize",
            load_if_exists=True,
        )


def run(search: Search, trials: int, jobs: int) -> int:
    """Go on until there are so many trials in all, `jobs` at a time; how many of the processes died on the way.

    What a killed search left behind is taken up again.
    """
    dataset = str(search.block["dataset"])
    for path in (records_file(dataset), labels_file(dataset)):
        if not path.exists():
            raise UserError(f"{path} is missing; run `dvc repro encode_labels@{dataset}` or `dvc pull` first")
    SEARCHES.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(SEARCHES / f"{search.name}.lock", timeout=0):
            return _go_on(search, trials, jobs)
    except Timeout:
        raise UserError(
            f"{search.path}: another process runs this search, whose trials would be taken for killed ones; wait for it, or "
            "stop it and ask for several trials at a time by --jobs"
        ) from None


def _go_on(search: Search, trials: int, jobs: int) -> int:
    study = study_of(search)
    for trial in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        study.enqueue_trial(trial.params)
        study._storage.set_trial_user_attr(trial._trial_id, KILLED, True)
        study.tell(trial.number, state=TrialState.FAIL)
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state in ENDED]
    target = trials + sum(KILLED in trial.user_attrs for trial in ended)
    if len(ended) >= target:
        return 0
    seeds = [search.seed + len(ended) + worker * trials for worker in range(jobs)]
    spawn = get_context("spawn")
    left = spawn.Semaphore(target - len(ended))
    if jobs == 1:
        work(search.path, left, seeds[0], 1)
        return 0
    workers = [spawn.Process(target=work, args=(search.path, left, seed, jobs)) for seed in seeds]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(worker.exitcode != 0 for worker in workers)


def work(path: Path, left: Semaphore, seed: int, jobs: int) -> None:
    """Trials, one after the other, while there are some `left` for all workers."""
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // jobs))
    search = Search.read(path)
    study = study_of(search, seed)
    while left.acquire(block=False):
        study.optimize(lambda trial: objective(search, trial), n_trials=1, callbacks=[_say], catch=(UserError,))


def objective(search: Search, trial: optuna.Trial) -> float:
    """The monitored score on valid of the best epoch, decoded as the architecture is; lower is worse."""
    began, epochs = time.perf_counter(), 0
    block = laid(search.block, search.changes, trial)
    trial.set_user_attr(BLOCK, block)
    architecture = search.architecture(block)
    assert isinstance(architecture, NetworkArchitecture)
    metric = METRICS[architecture.train.monitor]

    def watch(row: Mapping[str, float | None]) -> None:
        nonlocal epochs
        epochs += 1
        trial.set_user_attr(EPOCHS, epochs)
        trial.set_user_attr(SECONDS, round(time.perf_counter() - began, 1))
        trial.report(metric.better(row[architecture.train.monitor]), epochs)
        if trial.should_prune():
            raise optuna.TrialPruned

    curves = SEARCHES / search.name / str(trial.number)
    try:
        model, states = train(architecture, curves, watch)
    except optuna.TrialPruned:
        for left in CHECKPOINTS.glob(f"{architecture.model.name}-*"):  # nobody will go on with it
            left.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(curves, ignore_errors=True)
    for state in states:
        state.discard()
    return metric.better(model.training.valid[architecture.train.monitor])


def _say(study: optuna.Study, trial: FrozenTrial) -> None:
    best = [t for t in study.get_trials(deepcopy=False) if t.state is TrialState.COMPLETE]
    value = f"{trial.value:.4f}" if trial.value is not None else "-"
    top = f", best so far {max(t.value or 0 for t in best):.4f}" if best else ""
    print(f"trial {trial.number}: {trial.state.name.lower()}, {value}{top}: {shown_params(trial)}", flush=True)


def shown_params(trial: FrozenTrial) -> str:
    """Its choices in one line."""
    return ", ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                     for name, value in trial.params.items())  # fmt: skip
