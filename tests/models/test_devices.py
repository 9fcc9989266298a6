"""Which precision `auto` is, what a device refuses, and what it says of a slow choice."""

import io
from typing import Any

import pytest
import torch

from multilabel.core.errors import UserError
from multilabel.models import devices
from multilabel.models.devices import accelerator, is_main_process


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the flags of a processor without a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    devices._say_once.cache_clear()

    def has(flags: str) -> None:
        monkeypatch.setattr(
            "builtins.open", lambda *_, **__: io.StringIO(f"model name: x\nflags : {flags}\nflags : a\n")
        )

    return has


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fma avx2", "no"), ("avx2 avx512f avx512vl", "no"), ("avx512f avx512_bf16", "bf16"), ("amx_bf16", "bf16")],
)
def test_auto_is_bf16_only_where_the_processor_has_it(processor: Any, flags: str, expected: str) -> None:
    processor(flags)
    assert accelerator("auto").mixed_precision == expected


def test_bf16_without_instructions_for_it_is_said_to_be_slow(
    processor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    processor("fma avx2")
    assert [accelerator("bf16").mixed_precision for _ in range(2)] == ["bf16"] * 2
    assert capsys.readouterr().out == (
        "train.precision: this processor has no instructions for bf16 (avx512_bf16, amx_bf16) and takes several times as "
        "long as in fp32; `auto` would choose fp32\n"
    )
    processor("avx512_bf16")
    accelerator("bf16")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("precision", ["fp16", "tf32"])
def test_what_needs_a_gpu_is_refused_without_one(processor: Any, precision: str) -> None:
    processor("avx2")
    message = f"^train.precision: {precision} needs a GPU; write `auto`, bf16 or fp32 to train here$"
    with pytest.raises(UserError, match=message):
        accelerator(precision)


def test_a_gpu_multiplies_in_the_precision_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """cuDNN rounds fp32 to TF32 unless it is told not to."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    monkeypatch.setattr(devices, "Accelerator", lambda mixed_precision, **_: mixed_precision)
    for precision, mixed, rounds in (
        ("fp32", "no", False),
        ("tf32", "no", True),
        ("fp16", "fp16", True),
        ("auto", "no", False),
    ):
        assert accelerator(precision) == mixed
        assert torch.backends.cudnn.allow_tf32 is torch.backends.cuda.matmul.allow_tf32 is rounds


@pytest.mark.parametrize(
    ("environment", "main"),
    [({}, True), ({"RANK": "1"}, True), ({"RANK": "1", "WORLD_SIZE": "1"}, True), ({"RANK": "1", "WORLD_SIZE": "2"}, False),
     ({"RANK": "0", "WORLD_SIZE": "2"}, True)],
)  # fmt: skip
def test_one_of_several_processes_writes_and_one_alone_always(
    environment: dict[str, str], main: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rank that something else left in the environment says nothing."""
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_main_process() is main
