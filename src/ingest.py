"""Turn a dataset's source, whatever it is, into one table of records and a list of what was set aside."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import replacing, replacing_folder, write_json
from multilabel.core.paths import CACHE, HOME, METRICS, RAW, boxes_file, findings_file, records_file, refused_file
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.data.archives import check_source, open_source, sha256_of
from multilabel.data.boxes import Box, write_boxes
from multilabel.data.records import Findings, Record, write_records
from multilabel.data.remote_sources import fetch, is_remote
from multilabel.data.sources import SYNTHETIC, Dataset, IngestSettings, parse_dataset
from multilabel.data.synthetic import GENERATORS, SUFFIXES

MOST_REASONS = 3  # in a message; the others are in the list


@dataclass
class Tally:
    """Counts records as they pass, so that none has to be kept, and keeps their boxes."""

    labelled: int = 0
    unlabelled: int = 0
    with_image: int = 0
    boxes: list[tuple[str, Box]] = field(default_factory=list)

    def counting(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records."""
        for record in records:
            self.labelled += record.labels is not None
            self.unlabelled += record.labels is None
            self.with_image += record.image is not None
            self.boxes += [(record.id, box) for box in record.boxes]
            yield record

    def counts(self) -> dict[str, int]:
        """For the metrics."""
        return {
            "records": self.labelled + self.unlabelled,
            "labelled": self.labelled,
            "unlabelled": self.unlabelled,
            "with_image": self.with_image,
            "boxes": len(self.boxes),
        }


def ingest(dataset: str) -> None:
    """Write data/raw/<dataset>/, data/boxes/<dataset>.parquet and metrics/ingest/<dataset>.json."""
    own = parse_dataset(dataset, read_block("datasets", dataset))
    limits = parsed(IngestSettings, read_section("ingest"), "ingest")
    source = _source(dataset, own)
    check_source(source)
    digest = sha256_of(source)
    if own.settings.sha256 not in (None, digest):
        raise UserError(
            f"{source}: has sha256 {digest}, but datasets.{dataset}.sha256 asks for {own.settings.sha256}; fetch the right file"
        )

    findings, tally = Findings(limits.on_bad_record), Tally()
    files = open_source(source, limits.max_unpacked_gb)
    with replacing_folder(RAW / dataset) as folder:
        records = own.reader.read(files, findings, limits.max_megapixels)
        write_records(folder / records_file(dataset).name, tally.counting(records))
        if not tally.labelled:
            raise _nothing_left(dataset, source, findings)
        findings.write(folder / findings_file(dataset).name)
    write_boxes(boxes_file(dataset), tally.boxes)
    name = source.name if own.generated is None else SYNTHETIC
    reasons = findings.counts()
    found = {action: sum(by_reason.values()) for action, by_reason in reasons.items()}
    about = {"source": name, "sha256": digest, **tally.counts(), "findings": found, "reasons": reasons}
    write_json(METRICS / "ingest" / f"{dataset}.json", about)
    print(f"{dataset}: {tally.labelled} labelled and {tally.unlabelled} unlabelled records from {name}, "
          f"{tally.with_image} with an image, {found['repaired']} repaired, {found['rejected']} rejected")  # fmt: skip


def _source(dataset: str, own: Dataset) -> Path:
    """The file or folder to read; a synthetic one is generated first, then read through the same door."""
    if own.generated is None:
        source = own.settings.source
        return fetch(source) if is_remote(source) else HOME / source
    path = CACHE / "synthetic" / f"{dataset}{SUFFIXES[own.format]}"
    with replacing(path) as partial:
        GENERATORS[own.format](partial, **asdict(own.generated))
    return path


def _nothing_left(dataset: str, source: Path, findings: Findings) -> UserError:
    if not findings.items:
        return UserError(f"{source}: holds no labelled record; add rows to its table")
    findings.write(refused_file(dataset))
    counts = sorted(findings.counts()["rejected"].items(), key=lambda item: -item[1])
    reasons = ", ".join(f"{count} x {reason}" for reason, count in counts[:MOST_REASONS])
    return UserError(f"{source}: no labelled record is left: {reasons}; mend what {refused_file(dataset)} lists")


if __name__ == "__main__":
    run_stage(ingest, "dataset")
