"""A stand-in for the web process: answers /readyz, shows its process id and whether the store answers, ends on SIGTERM.

`--dies` ends at once, `--stubborn` ignores SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from app.eventstore.service import connect
from app.kernel.settings import get_settings
from app.parent import die_with_parent


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def main() -> None:
    if "--dies" in sys.argv:
        sys.exit(7)
    die_with_parent()
    settings = get_settings()
    server = ThreadingHTTPServer((settings.runtime.host, settings.runtime.port), Handler)
    if "--stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    Path(settings.data_dir, "store-at-end.txt").write_text("answers" if connect(settings).ping() else "is gone")


if __name__ == "__main__":
    main()
