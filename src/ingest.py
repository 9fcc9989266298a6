"""Turn a dataset's source, whatever it is, into one table of records and a list of what was set aside."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import replacing, replacing_folder, write_json
from multilabel.core.paths import CACHE, HOME, METRICS, RAW, findings_file, records_file
from multilabel.core.registry import choose
from multilabel.core.settings import check_name, checked, checked_parts, named, parsed, read_block, read_section
from multilabel.data.archives import open_source
from multilabel.data.labels import LABEL_NAMES
from multilabel.data.readers import FORMATS
from multilabel.data.records import Findings, Record, write_records
from multilabel.data.synthetic import GENERATORS, SUFFIXES


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    """What is refused."""

    on_bad_record: Literal["reject", "error"]
    max_megapixels: Annotated[float, Gt(0)]
    max_unpacked_gb: Annotated[float, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class Generated:
    """How many records `source: synthetic` stands for."""

    labelled: Annotated[int, Ge(1)]
    unlabelled: Annotated[int, Ge(0)] = 0


@dataclass(frozen=True, kw_only=True)
class DatasetSettings:
    """Where a dataset comes from; the keys of its format stand beside these."""

    source: str
    label_names: str = "as_given"
    sha256: str | None = None  # of the source file, if it must be a certain one
    synthetic: dict[str, Any] | None = None


def ingest(dataset: str) -> None:
    """Write data/raw/<dataset>/ and metrics/ingest/<dataset>.json."""
    where = f"datasets.{check_name(dataset, 'datasets')}"
    format_name, block = named(read_block("datasets", dataset), "format", where)
    reader_class = choose("format", FORMATS, format_name, f"{where}.format")
    common, options = checked_parts([DatasetSettings, reader_class], block, where)
    settings, reader = DatasetSettings(**common), reader_class(**options)
    choose("label naming", LABEL_NAMES, settings.label_names, f"{where}.label_names")
    limits = parsed(IngestSettings, read_section("ingest"), "ingest")
    source = _source(dataset, settings, format_name, where)
    digest = _digest(source)
    if settings.sha256 not in (None, digest):
        raise UserError(
            f"{source}: has sha256 {digest}, but {where}.sha256 asks for {settings.sha256}; fetch the right file"
        )

    findings = Findings(limits.on_bad_record)
    records = list(reader.read(open_source(source, limits.max_unpacked_gb), findings, limits.max_megapixels))
    counts = _counts(records, findings, source)
    with replacing_folder(RAW / dataset) as folder:
        write_records(folder / records_file(dataset).name, records)
        findings.table().to_csv(folder / findings_file(dataset).name, index=False)
    name = "synthetic" if settings.source == "synthetic" else source.name
    write_json(METRICS / "ingest" / f"{dataset}.json", {"source": name, "sha256": digest, **counts})
    print(f"{dataset}: {counts['labelled']} labelled and {counts['unlabelled']} unlabelled records from {name}, "
          f"{counts['findings']['repaired']} repaired, {counts['findings']['rejected']} rejected")  # fmt: skip


def _source(dataset: str, settings: DatasetSettings, format_name: str, where: str) -> Path:
    """The file or folder to read; a synthetic one is generated first, then read through the same door."""
    if settings.source != "synthetic":
        return HOME / settings.source
    generator = choose("generator", GENERATORS, format_name, f"{where}.format (for source: synthetic)")
    numbers = checked(Generated, settings.synthetic, f"{where}.synthetic")
    path = CACHE / "synthetic" / f"{dataset}{SUFFIXES[format_name]}"
    with replacing(path) as partial:
        generator(partial, **numbers, seed=read_section("seed"))
    return path


def _digest(source: Path) -> str | None:
    """SHA-256 of a file; None for a folder."""
    if not source.is_file():
        return None
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _counts(records: list[Record], findings: Findings, source: Path) -> dict[str, Any]:
    labelled = sum(record.labels is not None for record in records)
    if not labelled:
        raise UserError(f"{source}: no labelled record is left ({len(findings.items)} findings); see the reasons above")
    reasons = findings.counts()
    return {
        "records": len(records),
        "labelled": labelled,
        "unlabelled": len(records) - labelled,
        "with_image": sum(record.image is not None for record in records),
        "findings": {action: sum(by_reason.values()) for action, by_reason in reasons.items()},
        "reasons": reasons,
    }


if __name__ == "__main__":
    run_stage(ingest, "dataset")
