"""FastMCP with its in-memory authorization server, on a port of loopback that the kernel picks."""

import asyncio
import socket
import sys
import threading

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
server = FastMCP(
    "test",
    auth=InMemoryOAuthProvider(
        base_url=base,
        client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=["tools"]),
        revocation_options=RevocationOptions(enabled=True),
        required_scopes=["tools"],
    ),
)


@server.tool
def greet(name: str) -> str:
    """Greets somebody."""
    return f"Hello, {name}!"


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        print(f"{base}/mcp", flush=True)


def end_with_stdin():
    sys.stdin.read()
    running.should_exit = True


running = Server(uvicorn.Config(server.http_app(), log_level="warning"))
threading.Thread(target=end_with_stdin, daemon=True).start()
asyncio.run(running.serve(sockets=[listener]))
