"""Where to go next: a slow server to wait for, as a database is, and the two ways to wait."""

import asyncio
import socket
from threading import Thread

WAIT = 0.25  # seconds until it answers


class OtherServer:
    """It answers everybody after WAIT, in a thread of its own. ``most`` is how many waited at once."""

    def __init__(self) -> None:
        self.waiting = self.most = 0
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self.answer, "127.0.0.1", 0))
        self.address = server.sockets[0].getsockname()
        Thread(target=loop.run_forever, daemon=True).start()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let one client wait."""
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await asyncio.sleep(WAIT)
        self.waiting -= 1
        writer.write(b"done")
        writer.close()


other = OtherServer()


def ask() -> bytes:
    """Wait for the other server. This thread waits too."""
    with socket.create_connection(other.address) as connection:
        return connection.recv(4)


async def ask_async() -> bytes:
    """Wait for the other server. This thread does what else there is to do."""
    reader, writer = await asyncio.open_connection(*other.address)
    answer = await reader.read(4)
    writer.close()
    return answer
