"""The service that the broker replaces, at its smallest: a token per user in Redis, behind an API key.

It neither encrypts nor refreshes. uvicorn runs it with uvloop and httptools, without an access log.
"""

import hashlib
import os

import redis.asyncio as redis
from fastapi import FastAPI, Header, HTTPException, Response

app = FastAPI(openapi_url=None)
store = redis.from_url(os.environ["REDIS_URL"])


@app.get("/v1/connections/{provider}/{user}/token")
async def token(provider: str, user: str, authorization: str = Header("")):
    key = authorization.removeprefix("Bearer ")
    tenant = await store.get("key:" + hashlib.sha256(key.encode()).hexdigest())
    if tenant is None:
        raise HTTPException(401)
    found = await store.get(f"token:{tenant.decode()}:{provider}:{user}")
    if found is None:
        raise HTTPException(404)
    return Response(found, media_type="application/json")
