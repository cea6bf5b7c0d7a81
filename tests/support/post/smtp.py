"""A mail server that catches what it is sent: prints a line of JSON for each event, and listens until it is ended.

Arguments: a JSON object with `tls` ("none", "starttls", "tls"), `certificate` and `key`, `user` and `password` (then both are asked for),
`refuse` (a recipient that there is not), `later` (how often it says "later" to a recipient first), and `vanish` (it takes the whole mail and
hangs up without a word).
"""

import base64
import email
import email.policy
import json
import socket
import ssl
import sys
import threading

settings = json.loads(sys.argv[1])
context = None
if settings["tls"] != "none":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings["certificate"], settings["key"])
later = settings.get("later", 0)
lock = threading.Lock()


def tell(**event):
    with lock:
        print(json.dumps(event, ensure_ascii=False), flush=True)


def parts(message):
    for part in message.walk():
        if part.is_multipart():
            continue
        body = part.get_payload(decode=True)
        is_text = part.get_content_maintype() == "text"
        yield {
            "type": part.get_content_type(),
            "id": part.get("Content-ID"),
            "name": part.get_filename(),
            "disposition": part.get_content_disposition(),
            "text": body.decode(part.get_content_charset() or "utf-8") if is_text else None,
            "bytes": None if is_text else body.hex(),
        }


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.encrypted = False
        self.buffer = b""
        self.user = None
        self.sender = None
        self.recipients = []

    def line(self):
        while b"\r\n" not in self.buffer:
            more = self.connection.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def say(self, *lines):
        code = lines[0][:3]
        rest = [line[4:] for line in lines]
        text = "".join(f"{code}-{line}\r\n" for line in rest[:-1]) + f"{code} {rest[-1]}\r\n"
        self.connection.sendall(text.encode())

    def encrypt(self):
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.encrypted = True

    def run(self):
        if settings["tls"] == "tls":
            self.encrypt()
        self.say("220 ready")
        while True:
            words = self.line().decode()
            verb = words.split(" ")[0].split(":")[0].upper()
            if verb in ("EHLO", "HELO"):
                offers = ["250 here", "250 8BITMIME"]
                if settings["tls"] == "starttls" and not self.encrypted:
                    offers.append("250 STARTTLS")
                elif settings.get("user"):
                    offers.append("250 AUTH PLAIN LOGIN")
                self.say(*offers)
            elif verb == "STARTTLS":
                self.say("220 go on")
                assert self.buffer == b"", "something was said before the encryption"
                self.encrypt()
            elif verb == "AUTH":
                _, user, password = base64.b64decode(words.split(" ")[2]).decode().split("\0")
                if (user, password) != (settings["user"], settings["password"]):
                    tell(event="stranger", user=user)
                    self.say(f"535 {password} is not the password")
                else:
                    self.user = user
                    self.say("235 welcome")
            elif verb == "MAIL":
                if settings.get("user") and not self.user:
                    self.say("530 who are you")
                    continue
                self.sender = words.split("<")[1].split(">")[0]
                self.say("250 so be it")
            elif verb == "RCPT":
                self.recipient(words.split("<")[1].split(">")[0])
            elif verb == "DATA":
                self.say("354 go on")
                if not self.data():
                    return
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 what")

    def recipient(self, recipient):
        global later
        with lock:
            wait = later > 0
            later -= wait
        if wait:
            tell(event="later")
            self.say("451 later")
        elif recipient == settings.get("refuse"):
            tell(event="refused", to=recipient)
            self.say("550 no such mailbox")
        else:
            self.recipients.append(recipient)
            self.say("250 so be it")

    def data(self):
        lines = []
        while (line := self.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        raw = b"\r\n".join(lines) + b"\r\n"
        message = email.message_from_bytes(raw, policy=email.policy.default)
        tell(
            event="mail",
            encrypted=self.encrypted,
            user=self.user,
            sender=self.sender,
            recipients=self.recipients,
            headers={name.lower(): str(value) for name, value in message.items()},
            structure=[part.get_content_type() for part in message.walk()],
            parts=list(parts(message)),
            defects=[repr(defect) for part in message.walk() for defect in part.defects],
            ascii=all(byte < 128 for byte in raw),
        )
        if settings.get("vanish"):
            self.connection.close()
            return False
        self.say("250 taken")
        return True


def serve(connection):
    session = Session(connection)
    try:
        session.run()
    except (EOFError, OSError):
        tell(event="left")
    finally:
        session.connection.close()


def mark():
    """What was told before a line of the input is told before its mark."""
    for _ in sys.stdin:
        tell(event="mark")


threading.Thread(target=mark, daemon=True).start()
listener = socket.create_server(("127.0.0.1", 0))
tell(event="listening", port=listener.getsockname()[1])
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
