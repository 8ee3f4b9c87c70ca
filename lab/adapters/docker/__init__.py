"""Machines as Docker containers: the real lab. `DockerCompute` is the adapter, `DockerSettings` what it needs to know."""

from lab.adapters.docker.adapter import DockerCompute
from lab.adapters.docker.cleanup import sweep
from lab.adapters.docker.settings import DockerSettings

__all__ = ["DockerCompute", "DockerSettings", "sweep"]
