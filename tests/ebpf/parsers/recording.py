"""A proxy on loopback that records what passes, and hands it over as the kernel side would."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ebpf.captures import Chunk, Exchange
from tests.ebpf.parsers.exchanges import exchange

KEPT = 2048


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that one side sent at once; ``answer``: the server did."""

    connection: int
    at: int
    answer: bool
    data: bytes


@dataclass
class Recording:
    """Pieces in the order in which they passed."""

    address: tuple[str, int]
    pieces: list[Piece] = field(default_factory=list)

    def chunks(self, kept: int = KEPT, tail: int = 0) -> list[Chunk]:
        """The pieces as streams, of each its first bytes, and its last ones as a piece of their own where bytes between are missing."""
        offsets: dict[tuple[int, bool], int] = {}
        found: list[Chunk] = []
        for piece in self.pieces:
            offset = offsets.get((piece.connection, piece.answer), 0)
            offsets[piece.connection, piece.answer] = offset + len(piece.data)
            end = len(piece.data) - max(min(tail, len(piece.data) - kept), 0)
            for start, stop in ((0, end), (end, len(piece.data))):
                if start < stop:
                    found.append(Chunk(
                        connection=piece.connection, at=piece.at, outgoing=piece.answer, offset=offset + start,
                        data=piece.data[start:stop][:kept], size=stop - start, server=True, peer="127.0.0.1", port=self.address[1],
                    ))
        return found

    def exchanges(self) -> list[Exchange]:
        """The pieces as requests and responses: what the client sent until the server sent, and until the client sent again."""
        found: list[Exchange] = []
        for connection in sorted({piece.connection for piece in self.pieces}):
            own = [piece for piece in self.pieces if piece.connection == connection]
            runs = [(answer, list(pieces)) for answer, pieces in itertools.groupby(own, key=lambda piece: piece.answer)]
            if runs and runs[0][0]:  # the server spoke first
                runs = runs[1:]
            for (_, asked), (_, answered) in zip(runs[::2], runs[1::2], strict=False):
                made = exchange(b"".join(p.data for p in asked), b"".join(p.data for p in answered), connection=connection)
                start = asked[0].at
                found.append(replace(made, start=start, first=answered[0].at - start, last=answered[-1].at - start))
        return found


def joined_late(chunks: list[Chunk], skip: int) -> list[Chunk]:
    """The same streams, watched only after their first ``skip`` pieces."""
    seen: dict[tuple[int, bool], int] = {}
    for chunk in chunks[:skip]:
        seen[chunk.connection, chunk.outgoing] = chunk.offset + chunk.size
    return [replace(c, offset=c.offset - seen.get((c.connection, c.outgoing), 0)) for c in chunks[skip:]]


@contextmanager
def recording(target: tuple[str, int] | Path) -> Iterator[Recording]:
    """A proxy before a server, which listens on a port or a Unix socket; ``Recording.address`` is where the proxy listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Recording(listener.getsockname())
        threads: list[threading.Thread] = []
        open_sockets: list[socket.socket] = []

        def accept() -> None:
            for number in itertools.count(1):
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                server = _reach(target)
                open_sockets.extend((client, server))
                for one in open_sockets[-2:]:
                    if one.family != socket.AF_UNIX:
                        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, sink, answer in ((client, server, False), (server, client, True)):
                    thread = threading.Thread(target=_pump, args=(source, sink, found, number, answer), daemon=True)
                    thread.start()
                    threads.append(thread)

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in open_sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join(10)
            for one in open_sockets:
                one.close()


def _reach(target: tuple[str, int] | Path) -> socket.socket:
    if isinstance(target, tuple):
        return socket.create_connection(target)
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(target))
    return server


def _pump(source: socket.socket, sink: socket.socket, found: Recording, connection: int, answer: bool) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            found.pieces.append(Piece(connection, time.time_ns(), answer, data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
