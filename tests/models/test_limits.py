import pandas as pd
import pytest

from multilabel.core.errors import UserError
from multilabel.core.settings import parsed
from multilabel.models.limits import Limits, broken
from multilabel.reporting.tables import cautions

SOUND = {
    "architecture": "a",
    "coco_exposed": "no",
    "within_limits": "yes",
    "size_mb": 1.0,
    "train_seconds": 2.0,
    "emptied_texts": 0,
}


def test_limits_are_named_with_what_breaks_them() -> None:
    limits = Limits(size_mb=100, gpu_hours=24)
    assert broken(limits, 99.9, 3600) == []
    assert broken(limits, 100.1, 25 * 3600) == ["100.1 MB of 100 MB", "25.0 hours of 24 hours"]
    assert broken(Limits(), 1e9, 1e9) == []
    with pytest.raises(UserError, match=r"limits.size_mb: input should be greater than 0, got -1"):
        parsed(Limits, {"size_mb": -1}, "limits")


def test_cautions_say_what_a_leaderboard_does_not() -> None:
    limits = {"size_mb": 100, "gpu_hours": None}
    rows = [
        SOUND,
        SOUND | {"architecture": "b", "coco_exposed": "yes"},
        SOUND | {"architecture": "c", "coco_exposed": "unknown", "emptied_texts": 7},
        SOUND | {"architecture": "d", "within_limits": "no", "size_mb": 120.0},
    ]
    found = cautions(pd.DataFrame(rows), limits)
    assert cautions(pd.DataFrame([SOUND]), limits) == []
    assert found[0].startswith("**Leak**: the pretrained weights of `b` have seen COCO")
    assert found[1].startswith("**Leak**: the pretrained weights of `c` may have seen COCO")
    assert found[2] == "Cleaning leaves nothing of 7 test texts for `c`."
    assert found[3].startswith("**Over the limits** (size_mb 100): `d` takes 120.0 MB and 0.00 hours")
