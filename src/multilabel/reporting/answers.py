"""What a reader wants to know first, in sentences: what fusion adds, whether networks beat baselines, what to submit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from multilabel.reporting.markdown import Markdown, bold, code
from multilabel.reporting.tables import difference


def on_fusion(gain: Mapping[str, Any] | None) -> list[Markdown]:
    """What `tables.fusion_gain` found."""
    if gain is None:
        return []
    return [
        Markdown(
            f"**Fusion**: {code(gain['fusion'])} reads image and text, {code(gain['single'])} one of them; each is the best "
            f"of its kind on valid. Paired difference in test samples-F1: {difference(gain)}, {bold(gain['verdict'])}."
        )
    ]


def on_baselines(baseline: str, changes: Sequence[Mapping[str, Any]]) -> list[Markdown]:
    """Which networks are better than the best baseline, and that none is."""
    if not changes:
        return []
    better = [change["architecture"] for change in changes if change["verdict"] == "better"]
    others = [change["architecture"] for change in changes if change["verdict"] != "better"]
    said = f"{_listed(better)} {'is' if len(better) == 1 else 'are'} better" if better else "no network is better"
    rest = f"; {_listed(others)} {'is' if len(others) == 1 else 'are'} not" if better and others else ""
    return [Markdown(f"**Baselines**: on test {said} than the best baseline, {code(baseline)}{rest}.")]


def on_constant(constant: str, better: Sequence[str], others: Sequence[str]) -> list[Markdown]:
    """That what was trained has learned nothing that shows, or which part of it has not."""
    idle = [name for name in others if name not in better]
    if not constant or not idle:
        return []
    verb = "is" if len(idle) == 1 else "are"
    said = f"{_listed(idle)} {verb} not better than {code(constant)}, which says the same of every record"
    if better:
        return [Markdown(f"**Learned nothing that shows**: on test {said}.")]
    advice = "Get more records, train longer, or look at the labels"
    return [Markdown(f"**Nothing has learned anything that shows**: on test {said}. {advice}.")]


def on_submission(dataset: str, summary: Mapping[str, Any] | None) -> list[Markdown]:
    """Which file to upload, and what predicted it."""
    if summary is None:
        return []
    return [
        Markdown(
            f"**To submit**: {code(f'data/submission/{dataset}.csv')}, {summary['rows']:,} rows predicted by "
            f"{code(summary['architecture'])}, the best on valid within the limits."
        )
    ]


def on_pointing(found: Mapping[str, Any]) -> list[Markdown]:
    """Whether the maps of a network lie on what they are of; nothing where no record could tell."""
    if not found["records"]:
        return []
    off, number = found["pointing_off_centre"], found["records_off_centre"]
    rest = f" Where the centre lies outside, in {number:,} of them, the network scores {off:.3f}." if number else ""
    return [
        Markdown(
            f"**Pointing game** (Zhang et al. 2016): {bold(format(found['pointing'], '.3f'))} "
            f"({found['pointing_ci_low']:.3f} to {found['pointing_ci_high']:.3f}, 95 % interval of Wilson). In {found['hits']:,} "
            f"of the {found['records']:,} test records with one label and one box, the strongest place of the Grad-CAM for that "
            f"label lies inside the box, without tolerance. Always pointing at the centre of the image scores "
            f"{found['pointing_centre']:.3f}.{rest}"
        )
    ]


def on_deletion(found: Mapping[str, Any]) -> list[Markdown]:
    """Whether a network needs what its maps show; nothing where no record could tell."""
    if found["deletion"] is None:
        return []
    used, left = found["deletion_records"], found["deletion_left_out"]
    others = f" The other {left:,} are left out: their map is zero everywhere, or they are alone with their label."
    return [
        Markdown(
            f"**Deletion** (Petsiuk et al. 2018): hiding the fifth of an image where the Grad-CAM for its most probable label is "
            f"strongest takes {bold(format(found['deletion'], '.3f'))} off that label's probability, a mean over "
            f"{used:,} of the {used + left:,} test records that were looked at (all of a small test split, evenly "
            f"drawn from a large one).{others if left else ''} Hiding where the map of another record of that label is "
            f"strongest takes {found['deletion_by_other_map']:.3f}: a record's own map is worth "
            f"{found['deletion_difference']:+.3f} ({found['deletion_difference_ci_low']:+.3f} to "
            f"{found['deletion_difference_ci_high']:+.3f}, 95 % bootstrap interval over records) beyond where such things "
            f"usually are."
        )
    ]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(code(name) for name in names)
