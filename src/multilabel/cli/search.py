"""`multilabel search`: find settings of a network by trials that are chosen by what the ones before scored."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from multilabel.cli.subcommand import Subcommand
from multilabel.core.errors import UserError
from multilabel.core.files import write_text
from multilabel.core.paths import PARAMS

SHOWN = 5  # trials that are printed in the end


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "path", type=Path, metavar="FILE", help="with base: and changes:, such as searches/captions_text.yaml"
    )
    parser.add_argument(
        "--trials", type=int, default=20, help="how many there are to be in all (%(default)s); more goes on"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="trials at a time (%(default)s), which share the processor's cores"
    )
    parser.add_argument(
        "--apply", metavar="NAME", help="write the best trial to params.yaml as an architecture, and train nothing"
    )


def run(given: Namespace) -> None:
    """Run trials, or write the best one to params.yaml."""
    from multilabel.search.results import applied, best_of, write
    from multilabel.search.trials import Search, shown_params, study_of
    from multilabel.search.trials import run as run_trials

    if min(given.trials, given.jobs) < 1:
        raise UserError("--trials and --jobs are 1 at least")
    search = Search.read(given.path)
    if given.apply:
        trial = best_of(search, study_of(search))
        write_text(PARAMS, applied(search, trial, given.apply))
        print(f"{PARAMS} has now architectures.{given.apply}, trial {trial.number} ({trial.value:.4f} on valid): "
              f"{shown_params(trial)}")  # fmt: skip
        print("next: dvc repro, which takes the network as the trial ended with it; to undo: git checkout params.yaml")
        return
    died = run_trials(search, given.trials, given.jobs)
    study = study_of(search)
    written = write(search, study)
    ended = [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.value is not None and trial.state.name == "COMPLETE"
    ]
    for trial in sorted(ended, key=lambda trial: -(trial.value or 0))[:SHOWN]:
        print(f"{trial.value:.4f}  trial {trial.number}: {shown_params(trial)}")
    following = f"; next: multilabel search {given.path} --apply {search.base}_found" if ended else ""
    if written:
        print(f"{written[0].parent}: {', '.join(path.name for path in written)}{following}")
    if died:
        raise UserError(
            f"{given.path}: {died} of {given.jobs} processes died, their last lines above say of what; "
            "mend that and run the command again, which goes on from here"
        )
    if not ended:
        raise UserError(
            f"{given.path}: no trial ran to its end, and those that failed count; mend what their lines said and ask for "
            f"more than --trials {given.trials}"
        )


SEARCH = Subcommand(
    name="search",
    help="find settings of a network: trials, pruned, resumed, the best one applied",
    description="Train an architecture with settings that a tree-structured Parzen estimator (TPE) chooses by what earlier "
    "trials scored on valid; a trial below the median of the others at the same epoch ends. Test is never looked at. A search "
    "that was stopped goes on.",
    configure=configure,
    run=run,
)
