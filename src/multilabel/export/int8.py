"""A graph with weights and activations of 8 bits: a quarter of the size, and what that costs."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.core.paths import records_file, targets_file
from multilabel.data.dataset import load_split
from multilabel.data.records import read_images
from multilabel.inference.examples import Example, ExampleReader
from multilabel.inference.onnx_network import GRAPH, OnnxNetwork
from multilabel.metrics.decoding import Decoding
from multilabel.metrics.predictions import mean_difference
from multilabel.metrics.statistics import f1_per_record
from multilabel.models.settings import NetworkSettings

CALIBRATED_ON, BATCH = 256, 32  # records of valid that say which range each activation has
OPERATORS = ["Conv", "MatMul", "Gemm"]  # of which 8 bits are faster; recurrent nodes stay as they are
RESAMPLES = 1000


class Calibration:
    """Inputs of the graph, batch by batch, as onnxruntime asks for them."""

    def __init__(self, network: OnnxNetwork, records: Sequence[Example]) -> None:
        """The first records."""
        chosen = records[:CALIBRATED_ON]
        parts = (chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH))
        self.batches: Iterator[dict[str, NDArray[Any]]] = map(network.inputs, parts)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """None after the last."""
        return next(self.batches, None)


def quantize(folder: Path, settings: NetworkSettings, decoding: Decoding) -> dict[str, Any]:
    """Replace the graph in `folder`, and say what that costs on valid; raises `UserError` where the data are not there."""
    from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static, shape_inference

    needed = records_file(settings.dataset), targets_file(settings.dataset)
    if not all(path.exists() for path in needed):
        raise UserError(f"--int8: is calibrated and scored on the records of valid, and {needed[0]} or {needed[1]} is not here; "
                        f"run it in the project, after `dvc pull` or `dvc repro`")  # fmt: skip
    split = load_split(settings.dataset, "valid")
    records = _records(settings, split.inputs.records, split.inputs.rows, split.inputs.texts)
    before = OnnxNetwork(folder, settings)
    exact = before.probabilities(records)
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as temporary:
        prepared = Path(temporary) / GRAPH
        shape_inference.quant_pre_process(folder / GRAPH, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            folder / GRAPH,
            Calibration(before, records),
            op_types_to_quantize=OPERATORS,
            per_channel=True,
            reduce_range=False,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    rounded = OnnxNetwork(folder, settings).probabilities(records)
    f1 = [f1_per_record(split.targets, decoding.decode(found)) for found in (rounded, exact)]
    difference = mean_difference(f1[0] - f1[1], RESAMPLES, settings.seed)
    largest = float(np.abs(rounded - exact).max())
    return {"records": len(records), "f1_samples": float(f1[0].mean()), **difference, "largest_difference": largest}


def _records(settings: NetworkSettings, file: Path, rows: NDArray[np.int_], texts: Sequence[str]) -> list[Example]:
    images = read_images(file, rows.tolist()) if settings.image is not None else [None] * len(rows)
    reader = ExampleReader(settings)
    return [reader.read(image, text) for image, text in zip(images, texts, strict=True)]
