"""Runs a command with a small server of exchange rates beside it, and stops the server when the command has ended.

    with_rates.py --until 2024-05-10 COMMAND [ARGUMENT ...]

Stands for a real API, so that the example needs no key. The tap learns the address from its environment variable.
`GET /rates?since=DAY` answers the days after DAY, up to the one given.
"""
import argparse
import datetime
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse

FIRST = datetime.date(2024, 1, 1)


def rates_of(day):
    """The same for the same day, and different from day to day."""
    n = (day - FIRST).days
    return {
        "date": day.isoformat(),
        "base": "USD",
        "EUR": round(0.9 + n % 17 / 1000, 4),
        "GBP": round(0.78 + n % 13 / 1000, 4),
        "JPY": round(150 + n % 29 / 10, 2),
    }


class Rates(http.server.BaseHTTPRequestHandler):
    until = FIRST

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        day = datetime.date.fromisoformat(query.get("since", [FIRST.isoformat()])[0][:10])
        days = []
        while (day := day + datetime.timedelta(days=1)) <= self.until:
            days.append(rates_of(day))
        body = json.dumps({"rates": days}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Quiet: the log is the pipeline's."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--until", type=datetime.date.fromisoformat, required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    Rates.until = arguments.until
    # Port 0: any that is free.
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rates) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        code = subprocess.call(arguments.command, env={**os.environ, "TAP_REST_API_MSDK_API_URL": url})
        server.shutdown()
    return code


if __name__ == "__main__":
    sys.exit(main())
