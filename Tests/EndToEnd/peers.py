"""Servers on loopback that do what no server should: one thread a connection, and a behaviour for each request.

A behaviour is called with a socket that has a whole request head behind it, and with that request's number on this server; it
returns true when the connection is to be kept for another one.
"""
import itertools
import os
import socket
import ssl
import struct
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """Serves until the block ends. `certificate` names a PEM file with a key beside this one; `shakes` false leaves a TLS
    client waiting; `accepts` is how many connections speak TLS, later ones get plain text. A `hasty` one answers
    whatever the first bytes are."""

    def __init__(self, behave, certificate=None, alpn=None, shakes=True, accepts=1 << 60, hasty=False):
        self.behave, self.shakes, self.accepts, self.hasty = behave, shakes, accepts, hasty
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(os.path.join(HERE, certificate))
            if alpn:
                self.context.set_alpn_protocols([alpn])
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(256)
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if certificate or not shakes else ''}://127.0.0.1:{self.port}/"
        self.numbers = itertools.count()
        self.served = 0
        self.ending = False

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ending = True
        # A blocked accept does not notice a close.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        for count in itertools.count():
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(one, count), daemon=True).start()

    def serve(self, one, count):
        try:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self.shakes:
                while not self.ending:
                    time.sleep(0.02)
                return
            if self.context and count < self.accepts:
                one = self.context.wrap_socket(one, server_side=True)
            elif self.context:
                one.sendall(b"no TLS today\r\n")
                return
            kept = b""
            while not self.ending:
                while b"\r\n\r\n" not in kept and not (self.hasty and kept):
                    more = one.recv(65536)
                    if not more:
                        return
                    kept += more
                kept = kept.partition(b"\r\n\r\n")[2]
                self.served += 1
                if not self.behave(one, next(self.numbers)):
                    return
        except OSError:
            pass  # the client gave up, as it should
        finally:
            one.close()


def says(data, keep=True):
    def behave(one, _):
        one.sendall(data)
        return keep
    return behave


def every_other(bad):
    """A good answer, then a bad one, and so on."""
    good = says(OK)
    return lambda one, number: (good if number % 2 == 0 else bad)(one, number)


def resets_inside(one, _):
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    time.sleep(0.005)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def trickles(one, _):
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":
        one.sendall(bytes([byte]))
        time.sleep(1)
    return True


def never_ends(one, _):
    one.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"40000\r\n" + b"x" * 0x40000 + b"\r\n"
    while True:
        one.sendall(chunk)


def trailers_without_end(one, _):
    one.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    while True:
        one.sendall(b"X-More: of the same\r\n" * 100)


def interim_without_end(one, _):
    while True:
        one.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)


def sends_file(path, count):
    def behave(one, _):
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count)
        with open(path, "rb") as file:
            one.sendfile(file)
        return True
    return behave


def asks_back_later(one, _):
    """Says something more once the answer is long over."""
    one.sendall(OK)
    time.sleep(0.005)
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore")
    return True
