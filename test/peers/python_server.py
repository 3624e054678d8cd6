"""The service of service.ts made of Python's websockets, steered by JSON lines."""

import asyncio
import base64
import collections
import http
import ssl
import urllib.parse

from python_deflate import in_force
from python_lines import serve_calls
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.legacy.server import serve

CREDENTIALS = "Basic " + base64.b64encode(b"ada:lovelace").decode("ascii")
accounts = collections.defaultdict(lambda: asyncio.get_running_loop().create_future())


async def echo(socket, message, query):
    await socket.send(message)


async def fragments(socket, message, query):
    """Cuts between characters: this library takes the parts of a text only as text."""
    first, second = -(-len(message) // 3), -(-len(message) * 2 // 3)

    async def parts():
        yield message[:first]
        await (await socket.ping(b"between"))
        yield message[first:second]
        yield message[second:]

    await socket.send(parts())


async def ping(socket, message, query):
    await (await socket.ping(message))
    await socket.send(message)


async def hexadecimal(socket, message, query):
    await socket.send(message.encode("utf-8").hex())


async def close(socket, message, query):
    await socket.close(int(query["code"]), query.get("reason", ""))


async def cut(socket, message, query):
    socket.transport.abort()


async def listen(socket, message, query):
    """Only counts."""


async def greet(socket, query):
    await socket.send("welcome")


async def burst(socket, query):
    for index in range(int(query["count"])):
        await socket.send(f"message {index}")
    await socket.close(1000, "all sent")


on_open = {"/greet": greet, "/guarded": greet, "/burst": burst}
on_message = {
    "/echo": echo,
    "/mixed": echo,
    "/private": echo,
    "/fragments": fragments,
    "/ping": ping,
    "/hex": hexadecimal,
    "/close": close,
    "/cut": cut,
    "/greet": listen,
    "/guarded": listen,
    "/burst": listen,
}


def split(path):
    url = urllib.parse.urlsplit(path)
    return url.path, dict(urllib.parse.parse_qsl(url.query))


async def decide(path, headers):
    """Answers with a plain HTTP response, or with None to go on."""
    name, _ = split(path)
    if name == "/moved":
        return http.HTTPStatus.FOUND, [("Location", "/echo")], b""
    if name == "/private" and headers.get("Authorization") != CREDENTIALS:
        return http.HTTPStatus.UNAUTHORIZED, [("WWW-Authenticate", 'Basic realm="peers"')], b"Who are you?"
    if name not in on_message:
        return http.HTTPStatus.NOT_FOUND, [], b"No such service"
    return None


async def handle(socket):
    name, query = split(socket.path)
    messages = 0
    try:
        if name in on_open:
            await on_open[name](socket, query)
        async for message in socket:
            messages += 1
            await on_message[name](socket, message, query)
    except ConnectionClosed:
        pass
    await socket.wait_closed()
    accounts[query.get("id")].set_result(
        {
            "code": socket.close_code,
            "reason": socket.close_reason,
            "messages": messages,
            "extensions": in_force(socket, "server"),
        }
    )


async def start(compression=None, certificate=None, key=None, deflate=None):
    """`certificate` and `key` are files; with them the service speaks TLS. `deflate` are its demands."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
    server = await serve(
        handle,
        "127.0.0.1",
        0,
        ssl=tls,
        compression=compression,
        extensions=None if deflate is None else [ServerPerMessageDeflateFactory(**deflate)],
        origins=[None],
        process_request=decide,
        subprotocols=["chat.v2", "superchat"],
        max_size=2**22,
        max_queue=None,
        ping_interval=None,
    )
    port = server.sockets[0].getsockname()[1]
    return f"{'ws' if tls is None else 'wss'}://127.0.0.1:{port}"


async def ended(id):
    return await accounts[id]


asyncio.run(serve_calls({"start": start, "ended": ended}))
