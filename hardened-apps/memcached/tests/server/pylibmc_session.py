"""What an application does with pylibmc, over the text and the binary protocol."""

import sys

import pylibmc

SERVER = f"127.0.0.1:{sys.argv[1]}"


def same(found, expected):
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


def refused(command, *arguments):
    """Whether the server refused: the client tells it in another way over each protocol."""
    try:
        return command(*arguments) is False
    except pylibmc.Error:
        return True


def storage(client):
    same(client.set("key", "value"), True)
    same(client.get("key"), "value")
    same(client.get("missing"), None)
    same(refused(client.add, "key", "other"), True)
    same(client.add("new", "value"), True)
    same(refused(client.replace, "absent", "value"), True)
    same(client.replace("key", "replaced"), True)
    same(client.append("key", "->"), True)
    same(client.prepend("key", "<-"), True)
    same(client.get("key"), "<-replaced->")
    same(client.delete("key"), True)
    same(client.delete("key"), False)
    same(client.touch("new", 100), True)
    same(refused(client.touch, "absent", 100), True)


def types(client):
    for value in (0, -5, 2**40, True, 1.5, "text", b"bytes", ["list", {"of": "things"}], "x" * 500_000):
        same(client.set("typed", value), True)
        same(client.get("typed"), value)


def numbers(client):
    client.set("number", 9)
    same(client.incr("number"), 10)
    same(client.incr("number", 90), 100)
    same(client.decr("number", 99), 1)
    same(client.decr("number", 99), 0)


def several(client):
    pairs = {f"key{number}": f"value{number}" for number in range(500)}
    same(client.set_multi(pairs), [])
    same(client.get_multi(list(pairs) + ["missing"]), pairs)
    same(client.delete_multi(list(pairs)), True)
    same(client.get_multi(list(pairs)), {})


def identifiers(client):
    client.set("watched", "first")
    value, identifier = client.gets("watched")
    same(value, "first")
    same(client.cas("watched", "second", identifier), True)
    same(refused(client.cas, "watched", "third", identifier), True)
    same(client.get("watched"), "second")


def flushing(client):
    client.set("doomed", "x")
    same(client.flush_all(), True)
    same(client.get("doomed"), None)
    client.set("survivor", "x")
    same(client.get("survivor"), "x")


def too_large(client):
    try:
        client.set("large", b"\0" * (2 << 20))
    except pylibmc.Error:
        pass
    else:
        raise AssertionError("an item of 2 MiB was stored")
    same(client.get("large"), None)


for name, binary in (("text", False), ("binary", True)):
    behaviors = {"cas": True, "tcp_nodelay": True}
    connected = pylibmc.Client([SERVER], binary=binary, behaviors=behaviors)
    for part in (storage, types, numbers, several, identifiers, flushing, too_large):
        part(connected)
    statistics = dict(connected.get_stats()[0][1])
    same(int(statistics["cmd_set"]) > 500, True)
    print(name, "complete")
