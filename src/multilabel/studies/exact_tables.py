"""Tables whose figures know no chance: settings, a split, published weights, counts of the data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from multilabel.core.files import read_json
from multilabel.studies.comparison import Content, Study, counted, digits, not_run, plain_line
from multilabel.studies.evidence import Results
from multilabel.studies.lines import CANNOT, FAILS, HOLDS, OTHERWISE, SET, FigureLine
from multilabel.studies.specification import COUNTS, GENERATED, RESULTS, SPLIT, PublishedTable, TableBlock

SAME: Mapping[Any, Any] = {  # the reports' words -> ours
    "Adam": "adam",
    "AdamW": "adamw",
    "FastText skip gram": "fasttext_skip_gram",
    True: "attention",
}
INNER = ("model", "choice", "options", "tokenization")  # parts of typed settings that blocks write without a level
NEAR = 0.02  # of a split's share: groups of duplicates are not cut


@dataclass(frozen=True, kw_only=True)
class SettingsTable(TableBlock):
    """What the report says against what its runs declare, whatever the scale of today."""

    settings: Mapping[str, Mapping[str, Sequence[str]]]  # published name -> {path in a block: runs}

    def named(self) -> Iterator[str]:
        """All runs whose settings are shown."""
        for paths in self.settings.values():
            for runs in paths.values():
                yield from runs

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """A line for each published setting."""
        lines = []
        for name, figure in printed.rows.items():
            if name not in self.settings:
                lines.append(not_run(name, "", figure))
                continue
            ((path, runs),) = self.settings[name].items()
            found = list(dict.fromkeys(setting(study.declared[run].architecture, path) for run in runs))
            ours: Any = found if isinstance(figure, list) else found[0]
            same = (SAME.get(figure, figure) if isinstance(figure, str | bool) else figure) == ours
            because = "" if same else "the run's block in params.yaml says why"
            lines.append(plain_line(name, path, figure, ours, SET if same else OTHERWISE, because))
        return Content(figures=lines)


def setting(architecture: Mapping[str, Any], path: str) -> Any:
    """`text.hidden`, say, as a block would write it."""
    value = _flat(architecture)
    for key in path.split("."):
        value = value[key]
    return value


def _flat(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    flat: dict[str, Any] = {}
    for key, part in value.items():
        inner = _flat(part)
        flat |= inner if key in INNER and isinstance(inner, Mapping) else {key: inner}
    return flat


@dataclass(frozen=True, kw_only=True)
class WeightsTable(TableBlock):
    """What torchvision says of the first weights of each network."""

    networks: Mapping[str, str]  # row -> network of torchvision

    def rows(self) -> Iterator[tuple[str, str]]:
        """Of the networks."""
        yield from ((row, "networks") for row in self.networks)

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """A line for each published figure of a network."""
        from torchvision.models import get_model_weights

        lines = []
        for row, network in self.networks.items():
            first = next(iter(get_model_weights(network)))
            meta = first.meta
            top = meta["_metrics"]["ImageNet-1K"]
            ours = {
                "size_mb": meta["_file_size"],
                "parameters_m": meta["num_params"] / 1e6,
                "gflops": meta["_ops"],
                "top1": top["acc@1"],
                "top5": top["acc@5"],
            }
            for measure, figure in printed.rows[row].items():
                near = abs(ours[measure] - figure) <= 0.5 * 10 ** -digits(figure) + 1e-9
                said, because = (HOLDS, "") if near else (FAILS, "not the first weights of torchvision")
                lines.append(plain_line(row, measure, figure, ours[measure], said, because, str(first)))
        return Content(figures=lines)


@dataclass(frozen=True, kw_only=True)
class SplitTable(TableBlock):
    """Shares of the splits: the records themselves depend on the data at hand."""

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """A line for each split."""
        dataset = next(iter(study.declared.values())).architecture["model"]["dataset"]
        split = read_json(SPLIT / f"{dataset}.json")
        total = sum(row["records"] for row in printed.rows.values())
        lines = []
        for row, values in printed.rows.items():
            ours = split["valid" if row == "validation" else row]["records"] / split["records"]
            share = values["records"] / total
            said = SET if abs(ours - share) < NEAR else OTHERWISE
            lines.append(plain_line(row, f"share ({values['records']:,} records)", share, ours, said, ""))
        return Content(figures=lines)


@dataclass(frozen=True, kw_only=True)
class CountsTable(TableBlock):
    """Counts of the data: of the kept ones of real data, where this checkout has generated data."""

    counts: Literal["label_counts", "labels_per_record", "label_sets", "cleaned_lengths", "cooccurrence", "top_words"]

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """A line for each published count."""
        kept, here = Results(RESULTS).manifest["counts"], read_json(COUNTS)
        return Content(figures=COUNTED[self.counts](printed, kept if here["data"] == GENERATED and kept else here))


def _label_counts(printed: PublishedTable, counts: Mapping[str, Any]) -> list[FigureLine]:
    found = dict(zip(counts["all"]["labels"], counts["all"]["label_counts"], strict=True))
    return [
        counted(row, "records", figure, found.get(row.rpartition(" ")[2], 0), counts)
        for row, figure in printed.rows.items()
    ]


def _labels_per_record(printed: PublishedTable, counts: Mapping[str, Any]) -> list[FigureLine]:
    found = counts["all"]["labels_per_record"]
    return [
        counted(row, "records", figure, found.get(row.partition(" ")[0], 0), counts)
        for row, figure in printed.rows.items()
    ]


def _label_sets(printed: PublishedTable, counts: Mapping[str, Any]) -> list[FigureLine]:
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
    return [counted(row, "", figure, ours[row], counts) for row, figure in printed.rows.items()]


def _lengths(printed: PublishedTable, counts: Mapping[str, Any]) -> list[FigureLine]:
    histogram = {int(length): number for length, number in counts["cleaned_lengths"].items()}
    total = sum(histogram.values())
    inside = sum(number for length, number in histogram.items() if 3 <= length <= 7) / total
    note = "other stop words and lemmas: the report's lists are not given"
    lines = [
        counted("longest", "words", printed.rows["longest"], max(histogram), counts, note),
        counted("shortest", "words", printed.rows["shortest"], min(histogram), counts, note),
    ]
    most = counted("most captions", "words", printed.rows["most captions"], f"3 to 7: {inside:.0%}", counts)
    if not most.trial:
        most = replace(most, verdict=HOLDS if inside > 0.5 else FAILS)
    return [*lines, most]


def _cooccurrence(printed: PublishedTable, counts: Mapping[str, Any]) -> list[FigureLine]:
    """The 153 pairs at once, then counts, totals and ratios per label: of all records, and without those that were lost."""
    lines = []
    for key, name in (("all", "all records"), ("without_lost", "without the lost records")):
        ours, content = counts[key], printed.content
        pairs = [(i, j) for i in range(len(content["pairs"])) for j in range(i)]
        same = (
            sum(ours["pairs"][i][j] == content["pairs"][i][j] for i, j in pairs) if _same_labels(ours, content) else 0
        )
        lines.append(counted(f"pairs, {name}", "equal", len(pairs), same, counts))
    ours = counts["without_lost"]
    for place, label in enumerate(ours["names"] if _same_labels(ours, printed.content) else ()):
        for measure, key in (("records", "label_counts"), ("others", "totals"), ("ratio", "ratios")):
            figure, own = printed.content[key][place], ours[key][place]
            because = "" if own == figure else "misread in the report (F003-2)"
            lines.append(counted(label, measure, figure, own, counts, because))
    return lines


def _same_labels(ours: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    return len(ours["pairs"]) == len(content["pairs"])


def _top_words(printed: PublishedTable, counts: Mapping[str, Any]) -> list[FigureLine]:
    """The report's figure is an image; these are the words that tell its labels apart."""
    found = counts["all"]
    lines = [
        counted(f"{name} ({number:,} records)", "words", None, found["top_words"].get(name, ""), counts)
        for name, number in zip(found["names"], found["label_counts"], strict=True)
    ]
    because = "the published figure is an image"
    return [line if line.trial else replace(line, verdict=CANNOT, because=because) for line in lines]


COUNTED: dict[str, Callable[[PublishedTable, Mapping[str, Any]], list[FigureLine]]] = {
    "label_counts": _label_counts,
    "labels_per_record": _labels_per_record,
    "label_sets": _label_sets,
    "cleaned_lengths": _lengths,
    "cooccurrence": _cooccurrence,
    "top_words": _top_words,
}
