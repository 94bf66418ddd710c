"""A session of pymemcache with the server: port, expected asc_mode, expected runs per handler."""

import sys
import time

from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError

PORT, MODE, RUNS_PER_HANDLER = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
SERVER = ("127.0.0.1", PORT)


def same(found, expected):
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


def refuses(kind, action):
    try:
        action()
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


def storage(client):
    same(client.set("key", b"value", noreply=False), True)
    same(client.get("key"), b"value")
    same(client.get("missing", default="none"), "none")
    same(client.add("key", b"other", noreply=False), False)
    same(client.add("fresh", b"new", noreply=False), True)
    same(client.replace("key", b"second", noreply=False), True)
    same(client.replace("missing", b"x", noreply=False), False)
    same(client.append("key", b">", noreply=False), True)
    same(client.prepend("key", b"<", noreply=False), True)
    same(client.get("key"), b"<second>")
    same(client.delete("key", noreply=False), True)
    same(client.delete("key", noreply=False), False)
    client.set("quiet", b"x", noreply=True)
    same(client.get("quiet"), b"x")
    big = bytes(range(256)) * 4000
    same(client.set("big", big, noreply=False), True)
    same(client.get("big"), big)
    refuses(MemcacheServerError, lambda: client.set("big", big * 2, noreply=False))
    same(client.get("big"), None)


def identifiers(client):
    client.set("cas", b"one", noreply=False)
    value, identifier = client.gets("cas")
    same(value, b"one")
    same(client.cas("cas", b"two", identifier, noreply=False), True)
    same(client.cas("cas", b"three", identifier, noreply=False), False)
    same(client.cas("missing", b"x", identifier, noreply=False), None)
    same(client.get("cas"), b"two")


def arithmetic(client):
    client.set("number", b"40", noreply=False)
    same(client.incr("number", 2), 42)
    same(client.decr("number", 50), 0)
    same(client.incr("missing", 1), None)
    client.set("text", b"words", noreply=False)
    refuses(MemcacheClientError, lambda: client.incr("text", 1))


def several_keys(client):
    values = {f"many{number}": str(number).encode() for number in range(500)}
    same(client.set_many(values, noreply=False), [])
    same(client.get_many(list(values)), values)
    found = client.gets_many(list(values)[:10] + ["missing"])
    same({key: value for key, (value, _) in found.items()}, dict(list(values.items())[:10]))
    same(client.delete_many(list(values)[:5], noreply=False), True)
    same(len(client.get_many(list(values))), 495)


def expiry(client):
    client.set("past", b"x", expire=-1, noreply=False)
    same(client.get("past"), None)
    client.set("brief", b"x", expire=3, noreply=False)
    client.set("touched", b"x", expire=3, noreply=False)
    same(client.touch("touched", expire=100, noreply=False), True)
    client.set("absolute", b"x", expire=int(time.time()) + 100, noreply=False)
    time.sleep(3.6)
    same(client.get("brief"), None)
    same(client.get("touched"), b"x")
    same(client.get("absolute"), b"x")


def flushing(client):
    client.set("doomed", b"x", noreply=False)
    same(client.flush_all(noreply=False), True)
    same(client.get("doomed"), None)
    client.set("survivor", b"x", noreply=False)
    same(client.get("survivor"), b"x")


def executions(client):
    before = client.stats("asc")
    same(before[b"asc_mode"], MODE.encode())
    for number in range(100):
        client.set(f"executed{number}", b"x", noreply=False)
        client.get(f"executed{number}")
    after = client.stats("asc")
    handlers = int(after[b"asc_handlers"]) - int(before[b"asc_handlers"])
    runs = int(after[b"asc_runs"]) - int(before[b"asc_runs"])
    if handlers < 200:
        raise AssertionError(f"200 requests were {handlers} handlers")
    same(runs, RUNS_PER_HANDLER * handlers)
    same(int(after[b"asc_faults"]), 0)
    same(client.stats()[b"threads"], 2)


def session(client):
    for part in (storage, identifiers, arithmetic, several_keys, expiry, flushing):
        part(client)


session(Client(SERVER, timeout=60))
session(PooledClient(SERVER, timeout=60, max_pool_size=4))
several_keys(HashClient([SERVER], timeout=60))
plain = Client(SERVER, timeout=60)
executions(plain)
same(plain.version().startswith(b"1.6.18"), True)
plain.quit()
print("session complete")
