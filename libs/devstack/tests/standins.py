"""Services that do nothing but answer: `make run` is tested with them."""

from pathlib import Path

from devstack.parts import Part

SERVICE = """
import http.server, os, signal, sys, time
name = os.environ["STANDIN"] = sys.argv[0].rsplit(os.sep, 2)[-2]
if "migrate" in sys.argv:
    sys.exit(f"{name} cannot start with these settings: SHELF_PORT: wrong" if os.environ.get("SHELF_BROKEN") == name else 0)
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ.get(name.upper() + "_DATABASE_URL", "").encode())
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ[name.upper() + "_PORT"])), Health)
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(float(os.environ.get("STANDIN_SLOW", "0"))), sys.exit()))
server.serve_forever()
"""
PARTS = (Part("shelf", ("api",)), Part("gateway", ("api",), stores=False))
RUN = """
import sys
from pathlib import Path
from devstack.__main__ import main
import devstack.parts
from devstack.parts import Part
devstack.parts.PARTS = (Part("shelf", ("api",)), Part("gateway", ("api",), stores=False))
sys.exit(main(sys.argv[2:], Path(sys.argv[1])))
"""


def checkout(folder: Path) -> Path:
    """A clone with stand-ins for services; put its folder `standins` on PYTHONPATH."""
    folder.mkdir(parents=True)
    (folder / ".env.example").write_text("# SHELF_BROKEN=\n# GATEWAY_PORT=8080\n")
    for part in PARTS:
        package = folder / "standins" / part.name
        package.mkdir(parents=True)
        (package / "__init__.py").touch()  # without it the real package of that name goes first
        (package / "__main__.py").write_text(SERVICE)
    return folder
