"""A trained model as a folder that is enough to predict with, and as an object that does."""

from dataclasses import dataclass
from pathlib import Path

from multilabel.data.labels import Labels
from multilabel.metrics.decoding import Decoding
from multilabel.models.classifiers import Classifier, load_classifier
from multilabel.models.folder import Description, Training
from multilabel.models.settings import AnySettings


@dataclass(frozen=True)
class Model:
    """A classifier with what its outputs mean, and how it came about."""

    settings: AnySettings
    labels: Labels
    rules: dict[str, Decoding]  # every decoding, fitted on valid
    rule: str  # the one that counts
    training: Training
    classifier: Classifier

    @property
    def decoding(self) -> Decoding:
        """How probabilities become labels."""
        return self.description.decoding

    @property
    def description(self) -> Description:
        """All but the classifier."""
        return Description(
            settings=self.settings, labels=self.labels, rules=self.rules, rule=self.rule, training=self.training
        )

    def save(self, folder: Path) -> None:
        """Into an empty folder; safetensors and JSON only."""
        self.description.save(folder)
        self.classifier.save(folder)

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """The inverse of `save`; raises `UserError` for what is no model folder, or one that cannot be read."""
        known = Description.load(folder)
        classifier = load_classifier(folder, known.settings, len(known.labels.ids))
        return cls(known.settings, known.labels, known.rules, known.rule, known.training, classifier)
