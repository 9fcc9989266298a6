"""How far an exported network is from the one under torch."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from multilabel.core.errors import UserError
from multilabel.inference.examples import MODALITIES, Example, ExampleReader
from multilabel.inference.onnx_network import OnnxNetwork
from multilabel.inference.torch_network import TorchNetwork
from multilabel.models.classifiers import NetworkClassifier

LARGEST = 1e-4  # difference of a probability, in single precision on both sides
RECORDS = 24


def check_parity(classifier: NetworkClassifier, folder: Path) -> float:
    """The largest difference on records drawn at random; raises `UserError` where it is more than LARGEST."""
    settings = classifier.settings
    exact = replace(settings, prediction=replace(settings.prediction, precision="fp32"))
    under_torch = TorchNetwork(NetworkClassifier(exact, classifier.net, classifier.tokenizer))
    records = made_up_records(classifier)
    found = OnnxNetwork(folder, settings).probabilities(records)
    largest = float(np.abs(found - under_torch.probabilities(records)).max())
    if not largest <= LARGEST:
        raise UserError(f"{settings.name}: its ONNX graph differs from the network by {largest:.1e}, more than {LARGEST:.0e}; "
                        f"hand the folder on as it is with --format folder")  # fmt: skip
    return largest


def made_up_records(classifier: NetworkClassifier) -> list[Example]:
    """Noise for images and words of the vocabulary in any order for texts, of all lengths; some lack what may be missing."""
    reader, random = ExampleReader(classifier.settings), np.random.default_rng(0)
    tokenizer, text = classifier.tokenizer, classifier.settings.text
    words = sorted(tokenizer.get_vocab()) if tokenizer is not None else ["word"]
    longest = text.max_length if text is not None else 1
    spared = [modality for modality in MODALITIES if modality in reader.reads - reader.needs]
    records = []
    for number in range(RECORDS):
        lost = spared[number % 3] if number % 3 < len(spared) else None
        views = {view: random.integers(0, 256, (view.side, view.side, 3)).astype(np.uint8) for view in reader.views}
        length = int(random.integers(1, longest + 1))
        said = " ".join(random.choice(words, length)) if "text" in reader.reads and lost != "text" else None
        records.append(Example(views if views and lost != "image" else None, said))
    return records
