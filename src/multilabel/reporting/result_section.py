"""The part of the report about what was learned from one dataset: who is best, by how much, and where it errs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from multilabel.core.paths import labels_file
from multilabel.data.labels import Labels
from multilabel.metrics.per_record import per_record
from multilabel.reporting import answers, plots, tables
from multilabel.reporting.figures import Figures
from multilabel.reporting.markdown import Markdown
from multilabel.reporting.results import f1_by_seed, predicted, stored, there
from multilabel.reporting.samples import Samples, samples


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What is said of every dataset alike."""

    seed: int
    n_resamples: int  # behind every interval
    limits: Mapping[str, float | None]
    sample_predictions: int
    submissions: list[str]


@dataclass(frozen=True, kw_only=True)
class ResultSection:
    """What the template prints, and the tables that are stored beside it."""

    leaders: pd.DataFrame
    best: str
    answers: list[Markdown]
    cautions: list[Markdown]
    baseline: str
    against_baseline: Markdown | None
    decodings: Markdown
    leaderboard: Markdown  # a figure
    curves: list[Markdown]  # figures
    per_label_figure: Markdown
    samples: list[Samples]
    joined_curves: pd.DataFrame
    per_label: pd.DataFrame
    per_record: pd.DataFrame


def result_section(
    dataset: str, blocks: Mapping[str, Mapping[str, Any]], reported: Reported, figures: Figures
) -> ResultSection | None:
    """What the architectures of a dataset score; None where it has none. Draws into `figures`."""
    own = {name: block for name, block in blocks.items() if block["dataset"] == dataset}
    if not own:
        return None
    leaders = tables.leaderboard(own, dataset)
    baselines = {name for name, block in own.items() if block.get("baseline")}
    best, labels = (
        str(leaders["architecture"].iloc[0]),
        Labels.load(there(labels_file(dataset), "encode_labels", dataset)),
    )
    n_resamples, seed = reported.n_resamples, reported.seed
    baseline, changes = tables.against_baselines(leaders, baselines, n_resamples, seed)
    constant, better = tables.above_constant(leaders, baselines, n_resamples, seed)
    others = [name for name in leaders["architecture"] if name != constant]
    summary = stored("submission", dataset) if dataset in reported.submissions else None
    # An ensemble has no epochs, and its one point is of held-out records that need not be those of valid.
    networks = [name for name in leaders["architecture"] if name not in baselines and not own[name].get("ensemble")]
    by_epoch, by_second = partial(plots.curves, every=networks), partial(plots.over_time, every=networks)
    curves, over_time = tables.curves(networks), tables.curves(networks, tables.OVER_TIME)
    per_label = tables.per_label(dataset, leaders["architecture"], labels)
    return ResultSection(
        leaders=leaders,
        best=best,
        answers=[
            *answers.on_fusion(tables.fusion_gain(leaders, baselines, n_resamples, seed)),
            *answers.on_baselines(baseline, changes),
            *answers.on_constant(constant, better, others),
            *answers.on_submission(dataset, summary),
        ],
        cautions=tables.cautions(leaders, reported.limits),
        baseline=baseline,
        against_baseline=tables.changes_markdown(changes, "architecture") if changes else None,
        decodings=tables.decodings_markdown(tables.decodings(leaders["architecture"])),
        leaderboard=figures.draw(f"{dataset}_leaderboard", "Samples-F1 on test", plots.leaderboard, leaders),
        curves=[
            figures.draw(f"{dataset}_{name.replace('/', '_')}", f"{name} by epoch", by_epoch, runs, name)
            for name, runs in curves.items()
            if runs
        ]
        + [
            figures.draw(f"{dataset}_{name.replace('/', '_')}", f"{name} over time", by_second, runs, name)
            for name, runs in over_time.items()
            if runs
        ],
        per_label_figure=figures.draw(
            f"{dataset}_per_label",
            f"Scores per label of {best}",
            plots.per_label,
            per_label[per_label["architecture"] == best],
        ),
        samples=samples(dataset, labels, predicted(best), reported.sample_predictions, seed, figures),
        joined_curves=tables.joined_curves(dataset, curves),
        per_label=per_label,
        per_record=per_record(
            dataset, {name: predicted(name) for name in own}, {name: f1_by_seed(name) for name in own}
        ),
    )
