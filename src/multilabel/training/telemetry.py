"""What a GPU does over time: load, memory, power and temperature, read by a thread beside the training."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import torch

Sample = dict[str, float]
QUANTITIES: dict[str, Callable[[torch.device], float]] = {
    "utilisation": torch.cuda.utilization,  # % of the time in which any kernel ran
    "memory_gb": lambda device: torch.cuda.device_memory_used(device) / 1e9,  # of all processes
    "power_w": lambda device: torch.cuda.power_draw(device) / 1e3,
    "temperature_c": torch.cuda.temperature,
}


class Telemetry:
    """`with Telemetry(device) as telemetry:` collects `samples`; none on a CPU or where the driver does not tell."""

    def __init__(self, device: torch.device, every: float = 1.0) -> None:
        """A sample `every` so many seconds, the first at once."""
        self.device, self.every = device, every
        self.samples: list[Sample] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Telemetry":
        self._began = time.monotonic()
        if self.device.type == "cuda":
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def _watch(self) -> None:
        while found := read(self.device):
            self.samples.append({"seconds": round(self.seconds, 2), **found})
            if self._ended.wait(self.every):
                return


def read(device: torch.device) -> Sample:
    """One reading through NVML, which asks the driver and lets the GPU work on; without what the driver does not tell."""
    sample = {}
    for name, quantity in QUANTITIES.items():
        with suppress(Exception):  # driver libraries raise their own kinds
            sample[name] = float(quantity(device))
    return sample
