"""The machine of the contract tests, as a container and as a process: says what it was given, and does what it is told."""

import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def burn() -> None:
    end = time.thread_time() + 1.0
    while time.thread_time() < end:
        pass


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        what, _, name = self.path.strip("/").partition("/")
        answer = ""
        if what == "starts":
            answer = str(len(starts.read_text().splitlines()))
        elif what == "variable":
            answer = os.environ.get(name, "")
        elif what == "burn":
            threading.Thread(target=burn, daemon=True).start()
        elif what == "exit":
            os._exit(int(name))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())


if os.environ.get("DEAF"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
starts = Path(os.environ["LAB_DATA"] or "/tmp") / "starts"
with starts.open("a") as file:
    file.write("started\n")
server = ThreadingHTTPServer((os.environ["LAB_BIND"], int(os.environ["LAB_PORT_80"])), Handler)
print("listening", flush=True)
server.serve_forever()
