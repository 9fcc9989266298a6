"""Settings -> a trained model in its folder: a baseline, a network or an ensemble; chosen and tuned on valid alone."""

from pathlib import Path

from accelerate import PartialState

from multilabel.core.errors import UserError
from multilabel.core.files import replacing_folder
from multilabel.core.paths import records_file
from multilabel.data.dataset import load_labels, load_split
from multilabel.data.records import has_images
from multilabel.metrics.decoding import fit_all, fixed
from multilabel.metrics.scores import scores
from multilabel.models.devices import is_main_process
from multilabel.models.evaluation import Evaluation, EvaluationSettings, evaluate
from multilabel.models.folder import SEEDS, Training
from multilabel.models.limits import Limits
from multilabel.models.model import Model
from multilabel.training.architectures import by_seed
from multilabel.training.curves import Curves, Watch
from multilabel.training.folds import train_ensemble
from multilabel.training.parts import train_part
from multilabel.training.resumption import State
from multilabel.training.settings import Architecture, EnsembleArchitecture

MEMBERS = Path("plots") / "members"  # curves of an ensemble's members, in the folder that DVC tracks
CURVES_OF_SEEDS = Path("plots") / "seeds"  # and of all trainings but the first


def fit_and_evaluate(
    architecture: Architecture, folder: Path, curves: Path, settings: EvaluationSettings, limits: Limits
) -> Evaluation:
    """What `fit` stores in `folder`, scored on test."""
    fit(architecture, folder, curves)
    return evaluate(folder, settings, limits)


def fit(architecture: Architecture, folder: Path, curves: Path) -> Training:
    """Train and store the model in `folder`, and its curves; one process of several writes.

    Of several seeds the first is the model, the others lie in a folder within it. Each that has ended is kept
    (training/reuse.py), so that a killed run goes on with the next.

    Raises `UserError` where the dataset lacks an input that the architecture reads.
    """
    trained = {}
    for number, (seed, one) in enumerate(by_seed(architecture).items()):
        trained[seed] = train(one, curves / CURVES_OF_SEEDS / str(seed) if number else curves)
    first, *others = trained
    model, _ = trained[first]
    if is_main_process():
        with replacing_folder(folder) as partial:
            model.save(partial)
            for seed in others:
                (partial / SEEDS / str(seed)).mkdir(parents=True)
                trained[seed][0].save(partial / SEEDS / str(seed))
        for _, states in trained.values():
            for state in states:
                state.discard()
    PartialState().wait_for_everyone()
    return model.training


def train(architecture: Architecture, curves: Path, watch: Watch | None = None) -> tuple[Model, tuple[State, ...]]:
    """The model, and the states to discard once it is saved; `watch` sees every epoch of what is no ensemble."""
    settings = architecture.model
    if "image" in settings.modality and not has_images(records_file(settings.dataset)):
        raise UserError(
            f"{settings.where} reads images, but dataset {settings.dataset!r} has none; take its `image:` block "
            f"out, or build the others with `dvc repro --keep-going`"
        )
    labels = load_labels(settings.dataset)
    fitted, valid = load_split(settings.dataset, "train"), load_split(settings.dataset, "valid")
    held_out, weights = valid, None
    if isinstance(architecture, EnsembleArchitecture):
        with Curves(curves) as log:
            trained, held_out, weights = train_ensemble(architecture, labels, fitted, valid, curves / MEMBERS)
            predicted = fixed(trained.held_out, held_out.targets).decode(trained.held_out)
            log.epoch({"seconds": trained.seconds, **scores(held_out.targets, predicted, trained.held_out)})
    else:
        trained = train_part(architecture, labels, fitted, valid, curves, watch)
    decoding = architecture.decoding
    rules = fit_all(decoding, trained.held_out, held_out.targets)
    # Folds hold out train as well, with valid at the end; models are compared on the records of valid alone.
    on_valid = trained.held_out[-len(valid.ids) :]
    predicted = rules[decoding.name].decode(on_valid)
    training = Training(
        epochs=trained.epochs,
        best_epoch=trained.best_epoch,
        seconds=trained.seconds,
        device=trained.device,
        valid=scores(valid.targets, predicted, on_valid),
        emptied_texts=trained.emptied_texts,
        member_weights=weights,
    )
    model = Model(
        settings=settings,
        labels=labels,
        rules=rules,
        rule=decoding.name,
        training=training,
        classifier=trained.classifier,
    )
    return model, trained.states
