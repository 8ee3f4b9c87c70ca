"""Machines as local processes: the lab without Docker. `ProcessCompute` is the adapter, `ProcessSettings` what it needs."""

from lab.adapters.process.adapter import ProcessCompute
from lab.adapters.process.lifecycle import sweep
from lab.adapters.process.settings import ProcessSettings

__all__ = ["ProcessCompute", "ProcessSettings", "sweep"]
