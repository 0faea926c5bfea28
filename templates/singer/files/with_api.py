"""Runs a command with a small API beside it, so that this project runs before you point it at your own.

    with_api.py COMMAND [ARGUMENT ...]

`GET /items` answers ten items. The tap learns the address from its environment variable. For a real API, put its
address into tap.json, take this file out of the pipeline in project.yml, and delete it.
"""
import http.server
import json
import os
import subprocess
import sys
import threading

ITEMS = [{"id": n, "name": f"item {n}", "price": n * 2.5} for n in range(1, 11)]


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"items": ITEMS}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Quiet: the log is the pipeline's."""


# Port 0: any that is free.
with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    code = subprocess.call(sys.argv[1:], env={**os.environ, "TAP_REST_API_MSDK_API_URL": url})
    server.shutdown()
sys.exit(code)
