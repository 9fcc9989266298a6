from pathlib import Path

import numpy as np
import pytest

from multilabel.inputs import sealed_files
from multilabel.inputs.sealed_files import is_whole, seal


@pytest.mark.parametrize("size", [1, 64, 65, 1000])
def test_a_sealed_file_is_whole_until_a_bit_of_it_changes(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_files, "BLOCK", 64)
    path, content = tmp_path / "a", np.random.default_rng(size).bytes(size)
    path.write_bytes(content)
    assert not is_whole(path)
    seal(path)
    assert path.read_bytes()[:size] == content
    assert is_whole(path)
    sealed = path.read_bytes()
    for place in range(0, len(sealed), 41):
        path.write_bytes(sealed[:place] + bytes([sealed[place] ^ 16]) + sealed[place + 1 :])
        assert not is_whole(path)
        path.write_bytes(sealed[:place])
        assert not is_whole(path)
    path.write_bytes(sealed + b"a")
    assert not is_whole(path)
