"""What stands of a report and what does not, in a few sentences that are made of its verdicts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from multilabel.reporting.markdown import Markdown, escape
from multilabel.studies.claim_sentences import (
    NAMED,
    ClaimSentences,
    Line,
    compared,
    departures_of,
    in_brackets,
    pairs_of_networks,
)
from multilabel.studies.coverage import NO_SCORES, Coverage
from multilabel.studies.finished import COUNTS, SIZES, WEIGHTS, FinishedTable, exact
from multilabel.studies.lines import (
    FAILS,
    HOLDS,
    JUDGED,
    NO_WEIGHTS,
    NOISE,
    OTHER_SIZE,
    PIXELS,
    PUT_RIGHT,
    RECORDS,
    UPDATES,
)
from multilabel.studies.specification import AS_PUBLISHED, STAND_IN, Report, kind

Paragraph = tuple[str, list[Markdown]]  # what it is about, and its sentences
NONE_TESTED = Markdown("None of its claims of one row above another has been tested on real data, so none stands.")
NONE_JUDGED = Markdown("None of its claims that were tested on real data has a verdict: what is open says why.")
NONE_STANDS = Markdown("None of its claims that were tested on real data stands as printed.")
NONE_FAILS = Markdown("None of its claims that were tested on real data is refuted.")
SMALLER = "fewer records, pixels or updates"


def report_opening(report: Report, tables: Sequence[FinishedTable], found: Coverage, page: str = "") -> list[Paragraph]:
    """What the report claims, what stands, what does not and what is open; five to ten sentences.

    Links lead to `page`, the page of the report.
    """
    lines = [(table, line) for table in tables for line in table.claims()]
    told = ClaimSentences(lines, page, sorted({line["evidence"] for _, line in lines}))
    judged = bool(told.of(*JUDGED).lines)
    none = NONE_STANDS if judged else NONE_JUDGED if lines else NONE_TESTED
    direction = told.of(OTHER_SIZE).sentence()
    stands = told.of(HOLDS).sentence() or ([] if direction else [none])
    fails = _joined([*told.of(FAILS).sentence(), *told.of(NOISE).sentence()]) or ([NONE_FAILS] if judged else [])
    open_ = [*_unjudged(told), *_untested(tables, page), _tested(found, told.evidence, _stand_ins(lines))]
    paragraphs = [
        ("What it claims", [escape(sentence) for sentence in report.summary]),
        ("What stands", stands),
        ("What stands in direction alone", direction),
        ("What does not", fails),
        ("What needs no training", _exact(tables)),
        ("What is open", [*open_, *_scores(tables, told), *map(escape, report.apart)]),
    ]
    return [(about, sentences) for about, sentences in paragraphs if sentences]


def _joined(sentences: Sequence[Markdown]) -> list[Markdown]:
    """As one."""
    first, *others = sentences or [Markdown("")]
    parts = [first.removesuffix("."), *(other[0].lower() + other[1:].removesuffix(".") for other in others)]
    return [Markdown("; ".join(parts) + ".")] if first else []


def _exact(tables: Sequence[FinishedTable]) -> list[Markdown]:
    """The sentence about what knows no chance, if there is any of it."""
    within = {
        COUNTS: "are the same",
        SIZES: "are within 0.5 MB or 1 % of those of its networks as rebuilt here",
        WEIGHTS: "are as torchvision lists them",
    }
    said = [f"of its {about}, {own} {within[about]}" for about, own in exact(tables).items() if own.number]
    return [Markdown(f"{'; '.join(said)}.".replace("of", "Of", 1))] if said else []


def _scores(tables: Sequence[FinishedTable], told: ClaimSentences) -> list[Markdown]:
    """The sentence about printed scores, which need runs as large as the report's, and how much smaller ours are."""
    verdicts: dict[tuple[str, str, str], list[str]] = {}
    for table in tables:
        for line in table.figures():
            printed = line["measure"] not in NO_SCORES and not str(line["row"]).endswith(PUT_RIGHT)
            if line["run"] and printed and kind(line["variant"]) == AS_PUBLISHED:
                verdicts.setdefault((table.name, line["row"], line["measure"]), []).append(line["verdict"])
    if not verdicts:
        return []
    held = [FAILS if FAILS in own else HOLDS for own in verdicts.values() if {HOLDS, FAILS} & set(own)]
    found = f"{len(held) or 'None'} of the {len(verdicts)} printed scores that something was run for"
    outcome = f": {held.count(HOLDS)} hold, {held.count(FAILS)} do not" if held else ""
    smaller = Counter(caveat for _, line in told.lines for caveat in line["caveats"] if is_smaller(caveat))
    named = [f"{caveat} ({number})" for caveat, number in smaller.most_common(NAMED)]
    rest = f"; {len(smaller) - NAMED} more" if len(smaller) > NAMED else ""
    why = f"; of {len(told.lines)} comparisons these are smaller: {', '.join(named)}{rest}" if named else ""
    return [Markdown(f"{found} could be held against ours{outcome}{escape(why)}.")]


def is_smaller(caveat: str) -> bool:
    """Whether it tells of fewer records, pixels or updates than the report's."""
    return any(mark in caveat for mark in (RECORDS, PIXELS, UPDATES))


def _unjudged(told: ClaimSentences) -> list[Markdown]:
    """The sentence about claims that were run for and still have no verdict, with what each lacks."""
    done = {_claim(table, line) for table, line in told.of(*JUDGED).lines}
    left = replace(told, lines=[(table, line) for table, line in told.lines if _claim(table, line) not in done])
    if not left.lines:
        return []
    items: list[str] = []
    seen: set[tuple[str, str, str]] = set()
    for verdict in left.verdicts():
        own = left.of(verdict)
        again = {_claim(table, line) for table, line in own.lines} <= seen
        items.append(f"{escape(verdict)}{own.why()}: {'the same, ' if again else ''}{own.briefly()}")
        seen |= {_claim(table, line) for table, line in own.lines}
    return [Markdown(f"Run on real data, but without a verdict: {'; '.join(items)}.")]


def _claim(table: FinishedTable, line: Line) -> tuple[str, str, str]:
    """Which it is, whatever runs stand for it."""
    return table.name, line["better"], line["worse"]


def _stand_ins(lines: Sequence[tuple[FinishedTable, Line]]) -> list[str]:
    """Which encoders stand for which published ones."""
    found: dict[str, list[str]] = {}
    for part in (part for departure in departures_of([line for _, line in lines]) for part in departure.split(", ")):
        own, stands, published = part.partition(STAND_IN)
        if stands and published not in found.setdefault(own, []):
            found[own].append(published)
    return [f"{own}{STAND_IN}{' and '.join(published)}" for own, published in found.items()]


def _untested(tables: Sequence[FinishedTable], page: str) -> list[Markdown]:
    """The sentence about claims that nothing but trials was run for, if there are any."""
    left = [(table, pairs) for table in tables if (pairs := table.untested())]
    if not left:
        return []
    if sum(len(pairs) for _, pairs in left) <= NAMED:
        named = [
            f"{escape(better)} above {escape(worse)} ({table.link(page)})"
            for table, pairs in left
            for better, worse in pairs
        ]
    else:
        named = [f"{len(pairs)} of {table.link(page)}" for table, pairs in left]
    return [Markdown(f"Nobody has tested these claims here: {'; '.join(named)}.")]


def _tested(found: Coverage, evidence: Sequence[str], stand_ins: Sequence[str]) -> Markdown:
    """How much has evidence, of which scales and data, with which stand-ins, and whether images are among it."""
    rows, claims = f"{found.rows_with_evidence} of {found.rows}", f"{found.claims_with_evidence} of {found.claims}"
    images = f"{found.rows_with_images} of these rows and {found.claims_with_images} of these claims"
    if not found.rows_with_images + found.claims_with_images:
        images = "none of it"
    made = in_brackets([escape(part) for part in evidence])
    stand = in_brackets(["; ".join(map(escape, stand_ins))] if stand_ins else [])
    short = f"; undertrained ones stand for {found.rows_undertrained} of these rows" if found.rows_undertrained else ""
    return Markdown(
        f"On real data, beyond the smoke scale{made}, {rows} published rows of results and {claims} claims have evidence, from "
        f"{found.networks} networks trained with the reports' settings, but smaller, from random weights or with "
        f"stand-ins{stand}{short}; "
        f"{images} from networks that read images."
    )


def index_opening(
    tables: Mapping[str, Sequence[FinishedTable]], found: Mapping[str, Coverage], links: Mapping[str, str]
) -> list[Markdown]:
    """What stands of all reports: one sentence for each, between what was tested and what it was made with."""
    lines = [line for own in tables.values() for table in own for line in table.claims()]
    return [
        Markdown(f"{len(tables)} published reports stand here beside runs of this repository, table by table."),
        *[_balance(links[name], own, found[name]) for name, own in tables.items()],
        _tested(sum(found.values(), Coverage()), sorted({line["evidence"] for line in lines}), []),
        *_conditions(lines),
    ]


def _balance(link: str, tables: Sequence[FinishedTable], found: Coverage) -> Markdown:
    """How the comparisons of one report came out."""
    lines = [line for table in tables for line in table.claims()]
    done = [line for line in lines if line["verdict"] in JUDGED]
    fewer = f", from {pairs_of_networks(compared(done))}" if compared(done) < found.claims_judged else ""
    said = [line["verdict"] for line in lines]
    order = [*(verdict for verdict in JUDGED if verdict in said), *dict.fromkeys(said)]
    parts = [f"{said.count(verdict)} **{escape(verdict)}**" for verdict in dict.fromkeys(order)]
    outcome = f" {len(said)} comparison{'s' if len(said) > 1 else ''} on real data: {', '.join(parts)}." if said else ""
    return Markdown(f"{link}: {found.claims_judged} of {found.claims} claims have a verdict{fewer}.{outcome}")


def _conditions(lines: Sequence[Line]) -> list[Markdown]:
    """How many comparisons were made with less or something else than what the reports used; tables say with what."""
    named = Counter(part for line in lines for part in dict.fromkeys(map(in_short, departures_of([line]))))
    named[SMALLER] = sum(any(map(is_smaller, line["caveats"])) for line in lines)
    named[NO_WEIGHTS] = sum(NO_WEIGHTS in line["caveats"] for line in lines)
    shown = "; ".join(f"{escape(part)} ({number})" for part, number in named.most_common() if number)
    about = "A claim has a comparison for each variant that was run for it"
    return [Markdown(f"{about}; of the {len(lines)}, these depart from the reports: {shown}.")] if shown else []


def in_short(departure: str) -> str:
    """Without which encoder stands for which, and what was corrected."""
    return "stand-ins for published encoders" if STAND_IN in kind(departure) else kind(departure)
