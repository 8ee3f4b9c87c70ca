"""What this process has used, for Prometheus."""

import os
import resource
from pathlib import Path

from lab.core.prometheus import ProcessUse, process_use

_PROC = Path("/proc")


def own_use() -> ProcessUse | None:
    """None where there is no /proc."""
    try:
        stat = (_PROC / "self/stat").read_text()
        booted = next(line for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime"))
        descriptors = len(os.listdir(_PROC / "self/fd"))
    except OSError:
        return None
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return process_use(stat, ticks, page, float(booted.split()[1]), descriptors, most)
