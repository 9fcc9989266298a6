"""The EDA tables of the reports against counts of the data: from the record of the real data, where there is one."""

from collections.abc import Callable, Mapping
from typing import Any

from multilabel.core.files import read_json
from multilabel.studies.comparisons import CANNOT, FAILS, HOLDS, Lines
from multilabel.studies.exact_figures import counted, plain_line
from multilabel.studies.origin import GENERATED
from multilabel.studies.places import COUNTS, RECORD
from multilabel.studies.published import PublishedTable


def eda_figures(kind: str, published: PublishedTable) -> Lines:
    """The lines of one table of the study in the current folder."""
    recorded = RECORD / COUNTS.name
    here = read_json(COUNTS)
    counts = read_json(recorded) if here["data"] == GENERATED and recorded.exists() else here
    return EDA[kind](published, counts)


def _label_counts(published: PublishedTable, counts: Mapping[str, Any]) -> Lines:
    found = dict(zip(counts["all"]["labels"], counts["all"]["label_counts"], strict=True))
    return [
        counted(row, "records", figure, found.get(row.rpartition(" ")[2], 0), counts)
        for row, figure in published.rows.items()
    ]


def _labels_per_record(published: PublishedTable, counts: Mapping[str, Any]) -> Lines:
    found = counts["all"]["labels_per_record"]
    return [
        counted(row, "records", figure, found.get(row.partition(" ")[0], 0), counts)
        for row, figure in published.rows.items()
    ]


def _label_sets(published: PublishedTable, counts: Mapping[str, Any]) -> Lines:
    every = counts["all"]
    sets = list(every["label_sets"].items())
    first, second = sets[0], sets[1] if len(sets) > 1 else ("", 0)
    rest = every["records"] - first[1] - second[1]
    ours = {
        "unique ImageID": every["ids"],
        "label set 1, share": round(first[1] / every["records"], 2),
        "label set 17, share": round(second[1] / every["records"], 2),
        "other label sets": rest,
        "other label sets, share": round(rest / every["records"], 2),
    }
    return [counted(row, "", figure, ours[row], counts) for row, figure in published.rows.items()]


def _lengths(published: PublishedTable, counts: Mapping[str, Any]) -> Lines:
    histogram = {int(length): number for length, number in counts["cleaned_lengths"].items()}
    total = sum(histogram.values())
    inside = sum(number for length, number in histogram.items() if 3 <= length <= 7) / total
    note = "other stop words and lemmas: the report's lists are not given"
    lines = [
        counted("longest", "words", published.rows["longest"], max(histogram), counts, note),
        counted("shortest", "words", published.rows["shortest"], min(histogram), counts, note),
    ]
    most = counted("most captions", "words", published.rows["most captions"], f"3 to 7: {inside:.0%}", counts)
    if most["verdict"] != CANNOT:
        most["verdict"] = HOLDS if inside > 0.5 else FAILS
    return [*lines, most]


def _cooccurrence(published: PublishedTable, counts: Mapping[str, Any]) -> Lines:
    """The 153 pairs at once, then counts, totals and ratios per label: of all records, and without those that were lost."""
    lines = []
    for key, name in (("all", "all records"), ("without_lost", "without the lost records")):
        ours, content = counts[key], published.content
        pairs = [(i, j) for i in range(len(content["pairs"])) for j in range(i)]
        same = (
            sum(ours["pairs"][i][j] == content["pairs"][i][j] for i, j in pairs) if _same_labels(ours, content) else 0
        )
        lines.append(counted(f"pairs, {name}", "equal", len(pairs), same, counts))
    ours = counts["without_lost"]
    for place, label in enumerate(ours["names"] if _same_labels(ours, published.content) else ()):
        for measure, key in (("records", "label_counts"), ("others", "totals"), ("ratio", "ratios")):
            lines.append(counted(label, measure, published.content[key][place], ours[key][place], counts, "see F003-2"))
    return lines


def _same_labels(ours: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    return len(ours["pairs"]) == len(content["pairs"])


def _top_words(published: PublishedTable, counts: Mapping[str, Any]) -> Lines:
    """The report's figure is a picture; these are the words that tell its labels apart."""
    found = counts["all"]
    return [
        plain_line(f"{name} ({number:,} records)", "words", None, found["top_words"].get(name, ""), CANNOT,
              "the published figure is a picture", counts["data"])
        for name, number in zip(found["names"], found["label_counts"], strict=True)
    ]  # fmt: skip


EDA: dict[str, Callable[[PublishedTable, Mapping[str, Any]], Lines]] = {
    "label_counts": _label_counts,
    "labels_per_record": _labels_per_record,
    "label_sets": _label_sets,
    "cleaned_lengths": _lengths,
    "cooccurrence": _cooccurrence,
    "top_words": _top_words,
}
