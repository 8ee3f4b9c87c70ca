"""nginx in two roles, one worker each: the origin behind every balancer, and the peer that ours is compared with."""

import grp
import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contender import GROUP, NGINX, NGINX_GZIP, Contender, Site
from bench.processes import accepts, running

SMALL_BYTES = 100
FILES = {"/10k": 10 * 1024, "/1m": 1024 * 1024}
"""Path of each file that the origin serves, and its size in bytes. `/small` is not a file."""

_COMMON = """\
{user}
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  default_type text/plain;
  server_tokens off;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/client;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
{http}
}}
"""

# `/fields` shows what a balancer made of a request's head.
_ORIGIN = """\
  sendfile on;
  open_file_cache max=16 inactive=600s;
  open_file_cache_valid 600s;
  server {{
{listen}
    root {directory}/files;
    location = /small {{ return 200 "{body}"; }}
    location = /fields {{
      return 200 "$http_host $http_x_forwarded_for $http_x_forwarded_proto $http_x_forwarded_port $http_x_amzn_trace_id";
    }}
  }}"""

# The fields of an ALB's line, in its order and with its quotes (alb:load-balancer-access-logs), as long as ours to a few bytes,
# under TLS shorter by the certificate's ARN; what nginx has no equal to is a constant. Written in blocks, as our node's are.
_LOG = f"""\
  log_format alb '$scheme $time_iso8601 app/bench/1 $remote_addr:$remote_port $upstream_addr '
    '$request_time $upstream_header_time $upstream_response_time $status $upstream_status $request_length $bytes_sent '
    '"$request_method $scheme://$host:$server_port$request_uri $server_protocol" "$http_user_agent" '
    '$ssl_cipher $ssl_protocol {GROUP} "Root=1-$request_id" "$ssl_server_name" "-" 0 $time_iso8601 "forward" "-" "-" '
    '"$upstream_addr" "$upstream_status" "-" "-" TID_$request_id "-" "-" "-" $server_addr';
"""

# Everything that costs or saves work is nginx's default (proxy_buffering on, that is), but for keep-alive to the origin.
_PEER = """\
  upstream origin {{
{servers}
    keepalive {keepalive};
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    listen 127.0.0.1:{tls_port} ssl backlog=4096;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    ssl_protocols TLSv1.2 TLSv1.3;
    access_log {access_log} alb {packed} buffer=64k flush=1s;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Amzn-Trace-Id "Root=1-$request_id";
    }}
  }}"""


@contextmanager
def origin(nginx: str, directory: Path, ports: tuple[int, ...], core: int | None) -> Iterator[None]:
    """Serves the same on each port. `directory` is made."""
    files = directory / "files"
    files.mkdir(parents=True)
    for path, size in FILES.items():
        (files / path[1:]).write_bytes(b"x" * size)
    listen = "\n".join(f"    listen 127.0.0.1:{port} backlog=4096;" for port in ports)
    http = _ORIGIN.format(listen=listen, directory=directory, body="x" * SMALL_BYTES)
    with _nginx("the origin", nginx, directory, http, ports[0], core):
        yield


def contender(nginx: str, *, gzip: bool = False) -> Contender:
    """With `gzip` it compresses its log, as our node does in the end, at the same level; without, the log is plain."""

    @contextmanager
    def start(site: Site) -> Iterator[int]:
        """It keeps as many connections to the origin as clients can use."""
        http = _LOG + _PEER.format(
            servers="\n".join(f"    server 127.0.0.1:{port};" for port in site.origins),
            keepalive=max(64, 2 * site.connections),
            port=site.port,
            tls_port=site.tls_port,
            certificate=site.certificate,
            access_log=site.access_log,
            packed="gzip=1" if gzip else "",
        )
        with _nginx("nginx", nginx, site.directory, http, site.port, site.core) as pid:
            yield pid

    if gzip:
        return Contender(NGINX_GZIP, version(nginx), start, "writes its log compressed, as ours ends up")
    return Contender(NGINX, version(nginx), start)


@contextmanager
def _nginx(name: str, nginx: str, directory: Path, http: str, port: int, core: int | None) -> Iterator[int]:
    # Started by root its worker would be somebody else, who cannot read a private temporary directory.
    user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};" if os.geteuid() == 0 else ""
    conf = directory / "nginx.conf"
    conf.write_text(_COMMON.format(user=user, directory=directory, http=http))
    command = [nginx, "-p", str(directory), "-e", "stderr", "-c", str(conf)]
    with running(name, command, core=core, log=directory / "log", ready=lambda: accepts(port)) as pid:
        yield pid


def version(nginx: str) -> str:
    """As in `nginx 1.28.0`."""
    result = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=False)
    return result.stderr.strip().rpartition(": ")[2].replace("/", " ")
