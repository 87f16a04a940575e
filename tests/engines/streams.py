# SPDX-License-Identifier: Apache-2.0
"""A client of what the URLs lead to that the CRI's Exec, Attach and PortForward answer with: channels over a WebSocket (RFC 6455), of which each
message names one by its first byte."""
import base64
import json
import os
import socket
import struct
import urllib.parse

STDIN, STDOUT, STDERR, STATUS, SIZE = range(5)
DATA, PORT_ERROR = range(2)  # of a forwarded port
BINARY, CLOSE = 2, 8         # kinds of frames


class Streams:
    def __init__(self, url):
        at = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((at.hostname, at.port), timeout=30)
        self.file = self.socket.makefile("rb")
        self.got = {}
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {at.path} HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode())
        answer = self.file.readline().decode()
        while self.file.readline().strip():
            pass
        if " 101 " not in answer:
            raise OSError(f"{url}: {answer}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, channel, data):
        data, mask = bytes([channel]) + data, os.urandom(4)
        assert len(data) < 126, "no longer message is needed"
        self.socket.sendall(struct.pack("BB", 0x80 | BINARY, 0x80 | len(data)) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def size(self, rows, columns):
        self.send(SIZE, json.dumps({"Width": columns, "Height": rows}).encode())

    def read(self):
        """Takes one message in; false at the end."""
        head = self.file.read(2)
        if len(head) < 2:
            return False
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        data = self.file.read(size)
        if head[0] & 15 == BINARY and data:
            self.got[data[0]] = self.got.get(data[0], b"") + data[1:]
        return head[0] & 15 != CLOSE

    def text(self, channel):
        return self.got.get(channel, b"").decode(errors="replace")

    def until(self, words, channel=STDOUT):
        while words not in self.text(channel):
            if not self.read():
                raise OSError(f"the stream ended before {words!r}: {self.got}")

    def end(self):
        """All that is written until the end; the exit status."""
        while self.read():
            pass
        said = json.loads(self.text(STATUS))
        if said["status"] == "Success":
            return 0
        causes = {c.get("reason"): c["message"] for c in said.get("details", {}).get("causes", ())}
        if "ExitCode" not in causes:
            raise OSError(said["message"])
        return int(causes["ExitCode"])
