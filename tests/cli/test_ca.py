"""`lab ca` and `lab url`, against an API that answers as the control plane does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lab.cli.ca import STORES
from lab.cli.main import lab

AUTHORITY: dict[str, Any] = {
    "pem": "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
    "path": "/nowhere/authority/ca.pem",
    "name": "asg-lab authority 9141b020",
    "sha256": "2C:C4:8F",
    "not_after": 2110994832.0,
    "names": ["lab.local", "localhost"],
    "networks": ["127.0.0.0/8"],
}
NODES = [
    {"urls": ["http://127.0.0.1:9080", "https://127.0.0.1:9443"]},
    {"urls": ["http://127.0.0.1:9081", "https://127.0.0.1:9444"]},
]


class Answers(BaseHTTPRequestHandler):
    bodies: dict[str, Any]

    def do_GET(self) -> None:
        body = json.dumps(self.bodies[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the API answers, by path."""
    found: dict[str, Any] = {"/lab/ca": dict(AUTHORITY), "/lab/status": {"load_balancers": [{"nodes": NODES}]}}
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (Answers,), {"bodies": found}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("LAB_API_PORT", str(server.server_port))
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def run(*words: str) -> Result:
    done = CliRunner().invoke(lab, list(words))
    assert done.exit_code == 0, done.output
    return done


def test_the_pem_alone(bodies: dict[str, Any]) -> None:
    assert run("ca", "--pem").output == AUTHORITY["pem"]


def test_what_a_person_must_know(bodies: dict[str, Any]) -> None:
    said = run("ca").output
    for word in ("asg-lab authority 9141b020", "2C:C4:8F", "2036-11-22", "lab.local and names below it", "127.0.0.0/8"):
        assert word in said
    for system, _, _ in STORES:
        assert f"\n{system}\n" in said
    assert "It is installed nowhere." in said
    assert "BEGIN" not in said


def test_a_file_of_this_machine_is_named(bodies: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a b" / "ca.pem"
    path.parent.mkdir()
    path.write_text(AUTHORITY["pem"])
    bodies["/lab/ca"]["path"] = str(path)
    said = run("ca").output
    assert f"certificate   {path}" in said
    assert f"curl --cacert '{path}' https://localhost:9443" in said
    assert "lab ca --pem" not in said


def test_another_labs_file_at_the_same_path_is_not_named(bodies: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("another")
    bodies["/lab/ca"]["path"] = str(tmp_path / "ca.pem")
    assert str(tmp_path) not in run("ca").output


def test_on_docker_it_is_written_first(bodies: dict[str, Any]) -> None:
    said = run("ca").output
    assert "`lab ca --pem > asg-lab-ca.pem` writes it here" in said
    assert "curl --cacert asg-lab-ca.pem https://localhost:9443" in said
    assert AUTHORITY["path"] not in said


def test_a_lab_without_https_yet(bodies: dict[str, Any]) -> None:
    bodies["/lab/status"]["load_balancers"] = []
    assert "https://localhost:8443" in run("ca").output


def test_every_address(bodies: dict[str, Any]) -> None:
    assert run("url").output.splitlines() == [url for node in NODES for url in node["urls"]]
