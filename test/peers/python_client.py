"""A client made of Python's websockets, steered by JSON lines (see python_lines.py)."""

import asyncio
import ssl

from python_deflate import in_force
from python_lines import decode, encode, serve_calls
from websockets.exceptions import InvalidStatusCode
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.legacy.client import connect as open_connection

conversations = {}


async def connect(url, protocols, origin=None, headers=None, compression=None, authority=None, deflate=None):
    """`authority` is the file of the certificate to trust, for wss; `deflate` are parameters to offer."""
    tls = {"ssl": ssl.create_default_context(cafile=authority)} if url.startswith("wss") else {}
    try:
        socket = await open_connection(
            url,
            subprotocols=protocols or None,
            origin=origin,
            extra_headers=headers,
            compression=compression,
            extensions=None if deflate is None else [ClientPerMessageDeflateFactory(**deflate)],
            max_size=2**22,
            max_queue=None,
            ping_interval=None,
            **tls,
        )
    except InvalidStatusCode as error:
        return {"refused": str(error), "status": error.status_code}
    except ssl.SSLError as error:
        return {"refused": str(error)}
    conversation = len(conversations) + 1
    conversations[conversation] = socket
    return {
        "conversation": conversation,
        "protocol": socket.subprotocol or "",
        "extensions": in_force(socket, "client"),
    }


async def send(conversation, messages):
    for message in messages:
        await conversations[conversation].send(decode(message))


async def send_fragments(conversation, parts, ping):
    """Sends one message in several frames; the rest waits until the Ping is answered."""
    socket = conversations[conversation]

    async def fragments():
        first, *rest = map(decode, parts)
        yield first
        await (await socket.ping(decode(ping)))
        for part in rest:
            yield part

    await socket.send(fragments())
    return ping


async def ping(conversation, payload):
    # The future settles only when a Pong with these bytes has come.
    await (await conversations[conversation].ping(decode(payload)))
    return payload


async def receive(conversation, count):
    return [encode(await conversations[conversation].recv()) for _ in range(count)]


async def close(conversation, code=1000, reason=""):
    await conversations[conversation].close(code, reason)


async def cut(conversation):
    conversations[conversation].transport.abort()


async def ended(conversation):
    socket = conversations[conversation]
    await socket.wait_closed()
    return {"code": socket.close_code, "reason": socket.close_reason}


operations = [connect, send, send_fragments, ping, receive, close, cut, ended]
asyncio.run(serve_calls({operation.__name__: operation for operation in operations}))
