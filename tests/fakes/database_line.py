# SPDX-License-Identifier: Apache-2.0
"""The line between coordinators and PostgreSQL: what happens on it is the test's choice."""
import contextlib, select, socket, threading

PIECE = 1 << 16


class DatabaseLine:
    """Passes everything on to the server at `port` of the loopback. `port` may change: the next connection goes there.
    break_at(fate, words) is for the next message of a client that holds the words: "before", the server never gets it;
    "after", it does, and its answer is lost. Both end that connection."""

    def __init__(self, port):
        self.target, self.lock, self.changed = port, threading.Lock(), threading.Condition()
        self.fate, self.words, self.met, self.delay, self.is_silent, self.is_cut = None, b"", 0, 0.0, False, False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port, self.sockets = self.listener.getsockname()[1], set()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, server_tcp):
        """The URL that leads through this line to what the server's own URL names."""
        head, _, rest = server_tcp.rpartition("@127.0.0.1:")
        return f"{head}@127.0.0.1:{self.port}/{rest.split('/', 1)[1]}"

    def break_at(self, fate, words):
        with self.lock:
            self.fate, self.words, self.met = fate, words, 0

    def was_broken(self, seconds=60):
        with self.changed:
            return self.changed.wait_for(lambda: self.met, seconds)

    def slow(self, seconds):
        """Each answer takes so much longer."""
        self.delay = seconds

    def silent(self, is_silent):
        """Nothing passes, and nothing is closed: as where a cable was drawn."""
        self.is_silent = is_silent

    def cut(self, is_cut=True):
        """All connections end, and no new one comes through."""
        self.is_cut = is_cut
        if is_cut:
            with self.lock:
                for s in self.sockets:
                    with contextlib.suppress(OSError):
                        s.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.cut()
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            if self.is_cut:
                return
            with socket.create_connection(("127.0.0.1", self.target), 60) as server:
                for s in (client, server):
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.lock:
                    self.sockets |= {client, server}
                try:
                    self._pump(client, server)
                finally:
                    with self.lock:
                        self.sockets -= {client, server}

    def _pump(self, client, server):
        loses = False
        while True:
            readable, _, _ = select.select([client, server], [], [], 0.05)
            if self.is_silent:
                threading.Event().wait(0.02)  # what was sent waits where it is
                continue
            for s in readable:
                piece = s.recv(PIECE)
                if not piece or (s is server and loses):
                    return
                if s is server:
                    if self.delay:
                        threading.Event().wait(self.delay)
                    client.sendall(piece)
                    continue
                fate = self._meet(piece)
                if fate == "before":
                    return
                loses |= fate == "after"
                server.sendall(piece)

    def _meet(self, piece):
        with self.lock:
            if not self.fate or self.words not in piece:
                return None
            fate, self.fate = self.fate, None
        with self.changed:
            self.met += 1
            self.changed.notify_all()
        return fate
