"""HAProxy as a balancer: one thread, its log to a file by way of its standard output.

It has no buffer for its log: each line is a system call. Splicing is off, as it is by default.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from bench.contender import GROUP, HAPROXY, Contender, Site
from bench.processes import accepts, program, running

_CONF = """\
global
  nbthread 1
  maxconn 4096
  log stdout len 4096 format raw local0
  ssl-default-bind-options ssl-min-ver TLSv1.2
  tune.ssl.default-dh-param 2048

defaults
  mode http
  log global
  option http-keep-alive
  option dontlognull
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s

frontend bench
  bind 127.0.0.1:{port} backlog 4096
  bind 127.0.0.1:{tls_port} backlog 4096 ssl crt {certificate}
  http-request set-var(txn.scheme) ssl_fc,iif(https,http)
  http-request set-var(txn.host) req.fhdr(host),field(1,:)
  http-request set-var(txn.agent) req.fhdr(user-agent)
  http-request set-var(txn.trace) uuid(),regsub(-,,g)
  option forwardfor
  http-request set-header X-Forwarded-Proto %[var(txn.scheme)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Amzn-Trace-Id Root=1-%[var(txn.trace)]
  log-format '{log}'
  default_backend origin

backend origin
  balance roundrobin
{servers}
"""

_LOG = (
    "%[var(txn.scheme)] %tr app/bench/1 %ci:%cp %si:%sp %Tc %Tr %Td %ST %ST %U %B "
    '"%HM %[var(txn.scheme)]://%[var(txn.host)]:%fp%HU %HV" "%[var(txn.agent)]" '
    f'%sslc %sslv {GROUP} "Root=1-%[var(txn.trace)]" "%[ssl_fc_sni]" "-" 0 %tr "forward" "-" "-" '
    '"%si:%sp" "%ST" "-" "-" TID_%[var(txn.trace)] "-" "-" "-" %fi'
)


def contender() -> Contender:
    """Raises UnavailableError."""
    haproxy = program("haproxy", "Debian: apt-get install haproxy")

    @contextmanager
    def start(site: Site) -> Iterator[int]:
        conf = site.directory / "haproxy.cfg"
        servers = "\n".join(f"  server o{port} 127.0.0.1:{port} check inter 30s" for port in site.origins)
        conf.write_text(
            _CONF.format(
                port=site.port, tls_port=site.tls_port, certificate=site.certificate, log=_LOG, servers=servers
            )
        )
        with running(
            "HAProxy",
            [haproxy, "-db", "-f", str(conf)],
            core=site.core,
            log=site.access_log,
            ready=lambda: accepts(site.port),
        ) as pid:
            yield pid

    return Contender(HAPROXY, _version(haproxy), start, "writes its log line by line")


def _version(haproxy: str) -> str:
    """As in `HAProxy 2.6.12-1`."""
    result = subprocess.run([haproxy, "-v"], capture_output=True, text=True, check=False)
    words = result.stdout.split()
    return f"HAProxy {words[2]}" if len(words) > 2 else "HAProxy"
