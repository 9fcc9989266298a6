"""What a GPU does over time; the driver is pretended."""

import time

import pytest
import torch

from multilabel.training.telemetry import QUANTITIES, Telemetry, read

GPU = torch.device("cuda", 0)


def no_driver(device: torch.device) -> float:
    raise ModuleNotFoundError("pynvml")


@pytest.fixture(autouse=True)
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("utilisation", 97), ("memory_gb", 3.5), ("power_w", 350.0), ("temperature_c", 61)):
        monkeypatch.setitem(QUANTITIES, name, lambda device, value=value: value)


def test_a_thread_samples_until_the_end() -> None:
    with Telemetry(GPU, every=0.01) as telemetry:
        while len(telemetry.samples) < 3:
            time.sleep(0.01)
    number = len(telemetry.samples)
    time.sleep(0.05)
    assert len(telemetry.samples) == number
    seconds = [sample.pop("seconds") for sample in telemetry.samples]
    assert seconds == sorted(seconds)
    assert telemetry.samples[0] == {"utilisation": 97.0, "memory_gb": 3.5, "power_w": 350.0, "temperature_c": 61.0}


def test_what_the_driver_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(QUANTITIES, "power_w", no_driver)
    assert set(read(GPU)) == {"utilisation", "memory_gb", "temperature_c"}


def test_nothing_is_sampled_without_a_gpu_or_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    with Telemetry(torch.device("cpu"), every=0.01) as telemetry:
        time.sleep(0.03)
    assert telemetry.samples == []
    for name in QUANTITIES:
        monkeypatch.setitem(QUANTITIES, name, no_driver)
    with Telemetry(GPU, every=0.01) as telemetry:
        time.sleep(0.03)
    assert telemetry.samples == []
