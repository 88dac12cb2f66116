"""A preview of comments: Markdown, in which markup is escaped."""

import http.server
import sys
import urllib.parse

import markdown2


class Preview(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.preview(urllib.parse.urlsplit(self.path).query)

    def do_POST(self):
        kind = self.headers.get("Content-Type", "")
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        if not kind.lower().startswith("application/x-www-form-urlencoded"):
            self.close_connection = True
            return self.answer(415, "a comment is a form\n")
        self.preview(body.decode("utf-8", "replace"))

    def preview(self, fields):
        text = urllib.parse.parse_qs(fields).get("text", [""])[0]
        # CVE-2020-11888: only elements whose names are words are escaped.
        self.answer(200, markdown2.markdown(text, safe_mode="escape"))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Preview).serve_forever()
