"""What a published table claims of its rows, one above another, and what pairs of our runs say of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from multilabel.metrics.differences import LEVEL, Difference, holm
from multilabel.studies.comparison import Study
from multilabel.studies.evidence import Evidence, paired, same_records
from multilabel.studies.lines import (
    CANNOT,
    CORRECTED,
    FAILS,
    HOLDS,
    NO_VERDICT,
    NOISE,
    NOT_RUN,
    ONE_SEED,
    OTHER_SIZE,
    RUNS,
    UNDERTRAINED,
    ClaimLine,
    SameClaim,
)
from multilabel.studies.predicted_sets import AS_REPORTED, COMMON_RULE, RULES
from multilabel.studies.specification import AS_PUBLISHED, PublishedTable

PUT_RIGHT = "corrected"  # variants that say how a row must have been
SAME_UPDATES = 0.05  # share by which two numbers of updates may differ and be the same


@dataclass(frozen=True)
class Claim:
    """A published row above another one, in one measure."""

    better: str
    worse: str
    published: float  # difference
    measure: str  # ours
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """Two runs that stand for the rows of a claim."""

    claim: Claim
    first: Evidence
    second: Evidence
    verdict: str | None  # where none may be drawn from the difference: the word that stands instead
    because: str
    caveats: tuple[str, ...]
    found: Mapping[str, Difference]  # by decoding rule; empty where nothing can be compared

    @property
    def tested(self) -> bool:
        """Whether it is held against chance."""
        return self.verdict is None and bool(self.found)


def claimed_pairs(table: PublishedTable, measure: str, claims: Sequence[Sequence[str]] | None) -> list[tuple[str, str]]:
    """(better row, worse row): those given, or the best published row against each other one."""
    if claims is not None:
        return [(better, worse) for better, worse in claims]
    scored = {row: values[measure] for row, values in table.rows.items() if measure in values}
    if len(scored) < 2:
        return []
    best = max(scored, key=lambda row: scored[row])
    return [(best, row) for row in scored if row != best and scored[row] < scored[best]]


def claim_lines(
    claims: Sequence[Claim], rows: Mapping[str, Sequence[str]], study: Study, *, about_training: bool = False
) -> tuple[list[ClaimLine], int]:
    """A line for every pair of runs that stands for a claim, and for every claim without one; how many were tested at once.

    A claim `about_training` says that a network learns less when it is trained otherwise. There a worse row that is
    undertrained is what was claimed, if its better row is not and both are one network with as many updates.
    """
    pairs = {claim: list(_pairs(claim, rows, study, about_training)) for claim in claims}
    tested = [pair for own in pairs.values() for pair in own if pair.tested]
    adjusted = {rule: holm([pair.found[rule].p for pair in tested]) for rule in RULES}
    levels = {id(pair): {rule: adjusted[rule][i] for rule in RULES} for i, pair in enumerate(tested)}
    lines = []
    for claim, own in pairs.items():
        lines += [_line(pair, levels.get(id(pair)), len(tested)) for pair in own]
        if not own:
            lines.append(_not_run(claim))
    return lines, len(tested)


def judged(published: float, found: Difference, p: float, tested: int = 1) -> tuple[str, str]:
    """Verdict on a claim of a difference of size `published`, and why; `p` is adjusted for as many as were `tested`.

    That there is no difference of that size is another hypothesis than that there is none: its interval is Bonferroni's.
    """
    printed, allowed = found.interval(), found.interval(LEVEL / tested)
    if p < LEVEL:
        if found.value < 0:
            return FAILS, "reversed"
        if printed.low <= published <= printed.high:
            return HOLDS, "right direction and size"
        if published <= 0:
            return OTHER_SIZE, "the report prints no such difference"
        near = published / 2 <= found.value <= 2 * published
        return (HOLDS if near else OTHER_SIZE), f"{found.value / published:.0%} of the published size"
    beyond = f"the interval excludes 0, but not with {tested} claims tested at once"
    excluded = [beyond] if printed.low > 0 or printed.high < 0 else []
    if published > allowed.high:
        return FAILS, "; ".join(["no difference of that size", *excluded])
    return NOISE, "".join(excluded) or "the interval includes 0"


def _pairs(claim: Claim, rows: Mapping[str, Sequence[str]], study: Study, about_training: bool) -> Iterator[Pair]:
    """Runs that differ in nothing but the claim, each pair by the best evidence that both have at one scale and data."""
    for one, other in product(rows.get(claim.better, ()), rows.get(claim.worse, ())):
        both = product(study.known.get(one, ()), study.known.get(other, ()))
        for first, second in [pair for pair in both if pair[0].label == pair[1].label and _alike(*pair)][:1]:
            yield _pair(claim, first, second, study, about_training)


def _alike(first: Evidence, second: Evidence) -> bool:
    """Variants of one kind, whatever stands in for published weights; or a row against another that was put right."""
    kinds = {first.kind, second.kind}
    return len(kinds) == 1 or kinds == {AS_PUBLISHED, PUT_RIGHT}


def _pair(claim: Claim, first: Evidence, second: Evidence, study: Study, about_training: bool) -> Pair:
    verdict, because, caveats = _standing(first, second, study, about_training)
    differences = {}
    if not first.trial and same_records(first, second):
        differences = {rule: paired(first, second, claim.measure, rule) for rule in RULES}
    found = {rule: difference for rule, difference in differences.items() if difference}
    if verdict is None and not found:
        verdict, because = CANNOT, "too little was predicted of test"
    known = dict.fromkeys([*study.caveats(first), *study.caveats(second), *caveats, *claim.caveats])
    said = tuple(caveat for caveat in known if caveat not in (first.variant, second.variant))
    return Pair(claim, first, second, verdict, because, said, found)


def _standing(
    first: Evidence, second: Evidence, study: Study, about_training: bool
) -> tuple[str | None, str, tuple[str, ...]]:
    """The word that stands instead of a verdict, why, and what to say beside the difference; None where one may be drawn."""
    if first.trial:
        return RUNS, "", ()
    if not same_records(first, second):
        return CANNOT, "tested on other records", ()
    one_network = first.scores["network"] == second.scores["network"]
    if one_network and (not about_training or first.scores["training"] == second.scores["training"]):
        return NO_VERDICT, "the same network stands for both rows", ()
    reasons = {place: study.undertrained(own) for place, own in (("better", first), ("worse", second))}
    short = {place: reason for place, reason in reasons.items() if reason}
    said = tuple(f"the {place} row is undertrained: {reason}" for place, reason in short.items())
    if len(short) == 2 and len(set(short.values())) == 1:
        said = (f"both rows are undertrained: {reasons['better']}",)
    kinds = {first.kind, second.kind}
    if kinds != {AS_PUBLISHED}:
        word = CORRECTED if PUT_RIGHT in kinds else NO_VERDICT
        return word, "; ".join(dict.fromkeys(own.variant for own in (first, second) if own.kind != AS_PUBLISHED)), said
    if not short:
        return None, "", ()
    if about_training and set(short) == {"worse"} and one_network and _as_many_updates(first, second):
        return None, "", (f"the worse row does not learn in as many updates: {short['worse']}",)
    return UNDERTRAINED, "; ".join(said), ()


def _as_many_updates(first: Evidence, second: Evidence) -> bool:
    made, others = (run.scores["planned_updates"] for run in (first, second))
    return bool(abs(made - others) <= SAME_UPDATES * max(made, others))


def _line(pair: Pair, levels: Mapping[str, float] | None, tested: int) -> ClaimLine:
    first, second = pair.first, pair.second
    said = {rule: _said(pair, rule, levels, tested) for rule in pair.found}
    line = replace(
        _not_run(pair.claim),
        runs=(first.run, second.run),
        variant="; ".join(dict.fromkeys([first.variant, second.variant])),
        evidence=first.label,
        modality="+".join(part for part in ("image", "text") if _reads(part, first, second)),
        trial=first.trial,
        seeds=(first.seeds, second.seeds),
        networks=(first.trained, second.trained),
        verdict=pair.verdict or CANNOT,
        because=pair.because,
        caveats=() if first.trial else pair.caveats,
        same_rule=said.get(COMMON_RULE),
    )
    return replace(line, **vars(said[AS_REPORTED])) if AS_REPORTED in said else line


def _said(pair: Pair, rule: str, levels: Mapping[str, float] | None, tested: int) -> SameClaim:
    """The difference under one rule, with the verdict where one may be drawn."""
    found = pair.found[rule]
    printed = found.interval()
    p, verdict, because = None, pair.verdict or CANNOT, pair.because
    if levels is not None:
        p = levels[rule]
        verdict, because = judged(pair.claim.published, found, p, tested)
        if any(own.by_chance and own.seeds < 2 for own in (pair.first, pair.second)):
            verdict = ONE_SEED
    return SameClaim(ours=printed.value, low=printed.low, high=printed.high, p=p, verdict=verdict, because=because)


def _not_run(claim: Claim) -> ClaimLine:
    return ClaimLine(
        better=claim.better, worse=claim.worse, published=claim.published, measure=claim.measure, verdict=NOT_RUN
    )


def _reads(part: str, *runs: Evidence) -> bool:
    return any(part in run.scores["modality"] for run in runs)
