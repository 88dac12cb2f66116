"""A preview of drawings: SVG that is sent, read by svglib and drawn by reportlab."""

import http.server
import io
import sys

from reportlab.graphics import renderSVG
from svglib.svglib import svg2rlg


class Preview(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, "no drawing\n")

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        kind = self.headers.get("Content-Type", "")
        if "xml" not in kind.lower():
            return self.answer(415, "a drawing is SVG\n")
        # CVE-2020-10799: what entities name is read, from wherever it is.
        drawing = svg2rlg(io.BytesIO(body))
        if drawing is None:
            return self.answer(400, "this is no drawing\n")
        self.answer(200, renderSVG.drawToString(drawing))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Preview).serve_forever()
