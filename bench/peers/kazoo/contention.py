"""Counts with kazoo: contention.py MODE CONNECT THREADS SECONDS PATH.

MODE cas: get, set at the version that was read, again on conflict.
MODE lock: the Lock recipe around get and set.
"""
import json
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import (BadVersionError, ConnectionLoss, LockTimeout,
                              SessionExpiredError)

PREFIX = b'{"counter":'


def counter(doc):
    assert doc.startswith(PREFIX), doc[:40]
    end = doc.index(b",")
    return int(doc[len(PREFIX):end]), end


def bump(doc):
    value, end = counter(doc)
    return PREFIX + str(value + 1).encode() + doc[end:]


class Thread(threading.Thread):
    """One client: step() is one attempt, and says whether it counted."""

    def __init__(self, client, path, release):
        super().__init__()
        self.client, self.path, self.release = client, path, release
        self.acks = self.unknown = 0
        self.last = 0.0
        self.failure = None

    def run(self):
        try:
            self.release.wait()
            while time.monotonic() < self.deadline:
                if self.step():
                    self.acks += 1
                    self.last = time.monotonic()
        except BaseException as failure:
            self.failure = failure

    def set(self, doc, version):
        try:
            self.client.set(self.path, doc, version)
            return True
        except BadVersionError:
            return False
        except (ConnectionLoss, SessionExpiredError):
            self.unknown += 1
            return False


class Cas(Thread):
    def step(self):
        doc, stat = self.client.get(self.path)
        return self.set(bump(doc), stat.version)


class Lock(Thread):
    def step(self):
        lock = self.client.Lock(self.path + "-lock")
        try:
            lock.acquire(timeout=max(0.001, self.deadline - time.monotonic()))
        except LockTimeout:
            return False
        try:
            doc, _ = self.client.get(self.path)
            return self.set(bump(doc), -1)
        finally:
            lock.release()


def main():
    mode, connect, threads, seconds, path = sys.argv[1:]
    client = KazooClient(hosts=connect, timeout=30)
    client.start(timeout=30)
    release = threading.Event()
    kind = {"cas": Cas, "lock": Lock}[mode]
    all_threads = [kind(client, path, release) for _ in range(int(threads))]
    for thread in all_threads:
        thread.start()
    start = time.monotonic()
    for thread in all_threads:
        thread.deadline = start + float(seconds)
    release.set()
    for thread in all_threads:
        thread.join()
        if thread.failure:
            raise thread.failure
    doc, _ = client.get(path)
    client.stop()
    print(json.dumps({
        "acks": sum(t.acks for t in all_threads),
        "unknown": sum(t.unknown for t in all_threads),
        "counter": counter(doc)[0],
        "seconds": max([float(seconds)] + [t.last - start for t in all_threads]),
        "each": [t.acks for t in all_threads],
    }))


main()
