"""Asks a model through the queue: enqueue, wait, cancel what takes too long. Standard library only, Python 3.9 or newer.

    AIQ_KEY=… python3 examples/python/ask.py "What is ESG?"        (AIQ_URL: where the queue is)
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

API = os.environ.get("AIQ_URL", "http://127.0.0.1:8787")
KEY = os.environ.get("AIQ_KEY", "")
TRIES = 5


class QueueError(Exception):
    """An answer that another try would not change: `code` and the text say why."""

    def __init__(self, status, problem):
        super().__init__(problem.get("detail", f"The queue answered {status}."))
        self.status = status
        self.code = problem.get("code", "unknown")


def enqueue(request, key=None):
    """Stores a request and gives its id. Under one key it is stored once, however often this is called in 24 hours."""
    return call("POST", "/v1/requests", request, {"Idempotency-Key": key or str(uuid.uuid4())})["requestId"]


def wait_for(request_id, within_seconds=60):
    """The request once it has ended, or as it is when the time is up. Asks ever less often, at most every 5 s."""
    until = time.monotonic() + within_seconds
    pause = 0.25
    while True:
        request = call("GET", f"/v1/requests/{request_id}")
        has_ended = request["state"] in ("completed", "failed", "cancelled")
        if has_ended or time.monotonic() + pause > until:
            return request
        time.sleep(pause)
        pause = min(pause * 1.5, 5)


def cancel(request_id):
    """Ends a request that nobody waits for; False when it was completed before."""
    try:
        call("DELETE", f"/v1/requests/{request_id}")
        return True
    except QueueError as error:
        if error.status == 409:
            return False
        raise


def ask(question, within_seconds=60):
    """The answer's text."""
    request_id = enqueue({
        "provider": "anthropic",
        "model": "claude-haiku-4-5",
        "organizationId": "org-123",
        "messages": [{"role": "user", "content": question}],
    })
    request = wait_for(request_id, within_seconds)
    if request["state"] not in ("completed", "failed"):
        if cancel(request_id):
            raise TimeoutError(f"{request_id} took too long and was cancelled")
        request = wait_for(request_id)
    if request["state"] == "failed":
        raise RuntimeError(f"{request['error']['code']}: {request['error']['message']}")
    return request["response"]["choices"][0]["message"]["content"]


def call(method, path, body=None, headers=None):
    """Every call may be repeated, so what passes (429, 503, no answer at all) is simply tried again."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **(headers or {})}
    for tried in range(1, TRIES + 1):
        request = urllib.request.Request(API + path, data, headers, method=method)
        pause = 2**tried
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or tried == TRIES:
                raise QueueError(error.code, read_problem(error)) from None
            pause = int(error.headers.get("Retry-After", pause))
        except OSError:
            if tried == TRIES:
                raise
        time.sleep(pause)


def read_problem(answer):
    try:
        return json.load(answer)
    except ValueError:
        return {}


if __name__ == "__main__":
    print(ask(sys.argv[1] if len(sys.argv) > 1 else "Say hello."))
