"""`lab load` against a real origin: what its options mean, and its exit codes."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import click
import pytest
from click.testing import CliRunner

from lab.cli.load import command


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, words)
    return done.exit_code, click.unstyle(done.output)


@pytest.mark.parametrize(
    ("words", "scheduled"),
    [
        (("--rate", "40", "--for", "500ms"), 20),
        (("--users", "100", "--every", "2s", "--for", "500ms"), 25),
        (("--shape", "step:from=10,to=50,at=0.5,for=1"), 30),
        (("--shape", "step:from=10,to=50,at=0.5,for=1", "--every", "2s"), 15),
        (("--shape", "step:from=10,to=50,at=0.5,for=1", "--for", "500ms"), 5),
    ],
)
def test_how_many_are_sent(url: str, words: tuple[str, ...], scheduled: int) -> None:
    code, said = run(url, *words, "--json")
    assert code == 0, said
    assert json.loads(said)["scheduled"] == scheduled


def test_a_trace_file(url: str, tmp_path: Path) -> None:
    file = tmp_path / "load.csv"
    file.write_text("seconds,requests_per_second\n0,0\n1,40\n")
    code, said = run(url, "--shape", str(file), "--json")
    assert (code, json.loads(said)["scheduled"]) == (0, 20)


def test_an_objective_that_is_missed_is_exit_code_1(url: str) -> None:
    code, said = run(f"{url}/broken", "--rate", "40", "--for", "500ms", "--slo", "p99=30s,errors=1%")
    assert code == 1
    assert "✗ errors 100 % > 1 %" in said
    assert "✓ p99" in said


def test_failures_within_the_objective_are_none_of_its_business(url: str) -> None:
    assert run(f"{url}/broken", "--rate", "20", "--for", "500ms", "--slo", "errors=100%")[0] == 0
    assert run(f"{url}/broken", "--rate", "20", "--for", "500ms")[0] == 1


def test_a_failed_request_is_sent_again_as_often_as_asked(url: str) -> None:
    code, said = run(f"{url}/broken", "--rate", "20", "--for", "500ms", "--retries", "2", "--json")
    told = json.loads(said)
    assert (code, told["scheduled"], told["retried"], told["failed"]) == (1, 30, 20, 30)
    assert json.loads(run(url, "--rate", "20", "--for", "500ms", "--retries", "2", "--json")[1])["retried"] == 0


def test_the_report_is_written(url: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    code, said = run(url, "--rate", "20", "--for", "1200ms", "--html", str(file))
    assert code == 0, said
    assert f"the report is {file}" in said
    assert "</html>" in file.read_text()
    code, said = run(url, "--rate", "20", "--for", "500ms", "--html", str(tmp_path / "no" / "report.html"))
    assert code == 1
    assert "cannot be written" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--rate", "5", "--users", "5"), "choose one of --rate, --users and --shape"),
        (("--every", "5s"), "--every is of users"),
        (("--users", "5", "--every", "0s"), "--every must be above 0"),
        (("--for", "0s"), "duration must be a number above 0"),
        (("--shape", "wave"), "there is no trace file and no shape 'wave'"),
        (("--slo", "p99=1"), "p99 is a time such as 300ms"),
        (("--shape", "step:from=0,to=0,at=1,for=2"), "has no request within 2 s"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_exit_code_2(words: tuple[str, ...], reason: str) -> None:
    code, said = run("http://127.0.0.1:1/", *words)
    assert code == 2
    assert reason in " ".join(said.split())
