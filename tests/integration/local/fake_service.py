"""A service that only says that it is ready, over whichever port it was given."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import grpc
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server


class Readyz(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("drained"))
    if port := os.environ.get("HTTP_PORT"):
        HTTPServer(("127.0.0.1", int(port)), Readyz).serve_forever()
    server = grpc.server(ThreadPoolExecutor())
    add_HealthServicer_to_server(HealthServicer(), server)
    server.add_insecure_port(f"127.0.0.1:{os.environ['GRPC_PORT']}")
    server.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
