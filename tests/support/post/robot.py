"""A robot of DingTalk and a gateway for short messages: checks what it is sent as the service does, prints a line of JSON for each request,
and listens until it is ended.

Arguments: a JSON object with `token` and `secret`, `keyword`, `limit` (messages before it is too much), and `answers`: what it says first
instead of its own answer, each a list of status and body, or "vanish".
"""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

settings = json.loads(sys.argv[1])
answers = list(settings.get("answers", []))
taken = []
lock = threading.Lock()


def tell(**event):
    with lock:
        print(json.dumps(event, ensure_ascii=False), flush=True)


def judge(query, raw):
    """The code and the words of the answer to a message."""
    if query.get("access_token") != [settings["token"]]:
        return 300001, "token is not exist"
    if settings.get("secret"):
        stamp = query.get("timestamp", ["0"])[0]
        if abs(time.time() * 1000 - int(stamp)) > 3_600_000:
            return 310000, "invalid timestamp"
        secret = settings["secret"]
        wanted = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
        if query.get("sign") != [base64.b64encode(wanted).decode()]:
            return 310000, "sign not match"
    if len(raw) >= 20_000:
        return 460101, "message too long, exceed 20000 bytes"
    message = json.loads(raw)
    if message.get("msgtype") != "markdown" or not message["markdown"]["title"] or not message["markdown"]["text"]:
        return 400004, "param error"
    keyword = settings.get("keyword")
    if keyword and keyword not in message["markdown"]["title"] + message["markdown"]["text"]:
        return 310000, "keywords not in content"
    with lock:
        now = time.monotonic()
        while taken and now - taken[0] >= 60:
            taken.pop(0)
        if len(taken) >= settings.get("limit", 20):
            return 130101, "send too fast, exceed 20 times per minute"
        taken.append(now)
    return 0, "ok"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        address = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(address.query)
        with lock:
            own = answers.pop(0) if answers else None
        if own == "vanish":
            tell(event="vanished")
            self.close_connection = True
            self.connection.close()
            return
        if own:
            status, body = own
        elif address.path == "/robot/send":
            code, words = judge(query, raw)
            status, body = 200, json.dumps({"errcode": code, "errmsg": words})
        elif self.headers.get("Authorization") == f"Bearer {settings['token']}":
            status, body = 200, "{}"
        else:
            status, body = 401, f"{self.headers.get('Authorization')} is a stranger"
        tell(event="post", path=address.path, status=status, answer=body, size=len(raw), body=json.loads(raw))
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def mark():
    """What was told before a line of the input is told before its mark."""
    for _ in sys.stdin:
        tell(event="mark")


threading.Thread(target=mark, daemon=True).start()
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
tell(event="listening", port=server.server_address[1])
server.serve_forever()
