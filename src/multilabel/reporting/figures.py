"""The folder of the report's figures: whatever is drawn there is shown, and nothing is shown that was not drawn."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from multilabel.reporting.markdown import Markdown, image


@dataclass(frozen=True)
class Figures:
    """Where figures are drawn, and the path of that folder from the page."""

    folder: Path
    shown_as: str

    def draw(self, name: str, caption: str, plot: Callable[..., object], *arguments: Any) -> Markdown:
        """Calls `plot(*arguments, path)`; returns the Markdown that shows it."""
        plot(*arguments, self.folder / f"{name}.png")
        return image(f"{self.shown_as}/{name}.png", caption)

    def copy(self, name: str, caption: str, drawn: Path) -> Markdown:
        """The same for what another stage drew."""
        return self.draw(name, caption, partial(shutil.copy, drawn))
