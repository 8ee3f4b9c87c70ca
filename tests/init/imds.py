"""A metadata service of a test's own."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from services.init.metadata import Metadata

INSTANCE = "i-0123456789abcdef0"


class Imds:
    """Version 2 only: a GET without the token is refused."""

    def __init__(self) -> None:
        self.tree = {"meta-data/instance-id": INSTANCE}
        self.enabled = True
        imds = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self.reply(200 if imds.enabled else 403, b"token")

            def do_GET(self) -> None:
                found = imds.tree.get(self.path.removeprefix("/latest/"))
                told = self.headers.get("X-aws-ec2-metadata-token") == "token"
                self.reply(401 if not told else 404 if found is None else 200, (found or "").encode())

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/latest/"

    @property
    def metadata(self) -> Metadata:
        return Metadata(self.url, patience=0)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
