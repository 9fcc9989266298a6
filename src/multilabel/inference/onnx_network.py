"""A network as an ONNX graph under onnxruntime, without torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from multilabel.core.errors import UserError
from multilabel.inference.examples import Example, lacking, spares_a_modality, stacked, tokens_of
from multilabel.models.settings import NetworkSettings

GRAPH = "network.onnx"  # in the folder, in place of the weights
TOKENIZER = "tokenizer.json"
IMAGES, TOKENS, LENGTHS = "images", "tokens", "lengths"  # inputs of the graph; see export/graph.py
IMAGE_GIVEN, TEXT_GIVEN = "image_given", "text_given"
AT_ONCE = 256  # records
PIXELS_AT_ONCE = 2**20  # or fewer: more maps than a processor's caches hold take longer


class OnnxNetwork:
    """The graph in a folder, and what its inputs are made of."""

    def __init__(self, folder: Path, settings: NetworkSettings) -> None:
        """Raises `UserError` where onnxruntime is not installed."""
        try:
            import onnxruntime
        except ImportError:
            raise UserError(
                f"{folder}: is an exported model and needs onnxruntime; `pip install onnxruntime`"
            ) from None
        onnxruntime.set_default_logger_severity(3)  # errors alone
        self.settings = settings
        self.session = onnxruntime.InferenceSession(str(folder / GRAPH))
        self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER)) if settings.text else None

    def probabilities(self, records: Sequence[Example]) -> NDArray[np.float32]:
        """(N, L) in the order of the records."""
        found: list[tuple[NDArray[np.int_], NDArray[np.float32]]] = []
        for rows in lacking(records, self.settings):
            found += self._of_alike(records, rows)
        ordered = np.empty((len(records), found[0][1].shape[1]), np.float32)
        for rows, values in found:
            ordered[rows] = values
        return ordered

    def _of_alike(
        self, records: Sequence[Example], rows: NDArray[np.int_]
    ) -> list[tuple[NDArray[np.int_], NDArray[np.float32]]]:
        """Batch by batch, texts of similar length together; all records lack the same."""
        given = self.inputs([records[row] for row in rows])
        lengths = given.get(LENGTHS)
        order = np.arange(len(rows)) if lengths is None else np.argsort(lengths, kind="stable")
        batches = [order[start : start + self._batch] for start in range(0, len(order), self._batch)]
        return [(rows[chosen], self._run({name: part[chosen] for name, part in given.items()})) for chosen in batches]

    @property
    def _batch(self) -> int:
        image = self.settings.image
        return AT_ONCE if image is None else max(1, min(AT_ONCE, PIXELS_AT_ONCE // image.size**2))

    def inputs(self, records: Sequence[Example]) -> dict[str, NDArray[Any]]:
        """Of the graph, by name; blank where a modality is missing, as it is in all of these records or in none."""
        image, text, number = self.settings.image, self.settings.text, len(records)
        given: dict[str, NDArray[Any]] = {}
        if image is not None:
            side = image.resize or image.size
            seen = stacked(image, records)
            given[IMAGES] = np.zeros((number, side, side, 3), np.uint8) if seen is None else seen
        if text is not None and self.tokenizer is not None:
            tokens = tokens_of(text, self.tokenizer, records)
            given[TOKENS], given[LENGTHS] = tokens.ids.astype(np.int64), tokens.lengths.astype(np.int64)
        if spares_a_modality(self.settings):
            given[IMAGE_GIVEN] = np.full(number, records[0].views is not None, np.float32)
            given[TEXT_GIVEN] = np.full(number, records[0].text is not None, np.float32)
        return given

    def _run(self, given: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        if LENGTHS in given:
            given[TOKENS] = given[TOKENS][:, : given[LENGTHS].max()]
        probabilities: NDArray[np.float32] = self.session.run(None, given)[0]
        return probabilities
