"""Connects the account of a user through the broker, and calls an API: python3 connected_account.py USER"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

BROKER, KEY, PROVIDER, API = (os.environ[name] for name in ("BROKER_URL", "BROKER_KEY", "PROVIDER", "API_URL"))


def send(url, token, body=None):
    """Returns the status and the JSON of a response."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "User-Agent": "example"}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def token_of(user):
    """Returns an access token of a user, who is asked to connect the account if there is none."""
    connection = f"{BROKER}/v1/connections/{PROVIDER}/{urllib.parse.quote(user, safe='')}"
    status, answer = send(f"{connection}/token", KEY)
    if status in (404, 409):
        link = send(f"{BROKER}/v1/connections", KEY, {"provider": PROVIDER, "user": user})[1]["authorize_url"]
        print(f"open {link}", flush=True)
        while send(connection, KEY)[1].get("status") != "connected":
            time.sleep(0.5)
        status, answer = send(f"{connection}/token", KEY)
    return answer["access_token"] if status == 200 else sys.exit(f"{status}: {answer['title']}")


print(json.dumps(send(API, token_of(sys.argv[1]))[1]))
