"""A trained model as a folder that is enough to predict with, and as an object that does."""

from dataclasses import dataclass
from pathlib import Path

from multilabel.models.classifiers import AnyClassifier, load_classifier
from multilabel.models.folder import Description


@dataclass(frozen=True, kw_only=True)
class Model(Description):
    """A classifier with what its outputs mean, and how it came about."""

    classifier: AnyClassifier

    def save(self, folder: Path) -> None:
        """Into an empty folder; safetensors and JSON only."""
        super().save(folder)
        self.classifier.save(folder)

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """The inverse of `save`; raises `UserError` for what is no model folder, or one that cannot be read."""
        known = Description.load(folder)
        classifier = load_classifier(folder, known.settings, len(known.labels.ids))
        return cls(**vars(known), classifier=classifier)
