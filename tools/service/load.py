#!/usr/bin/env python3
"""Load test of a server: `load.py http://127.0.0.1:8080 [--clients 8] [--seconds 300] [--pid PID]`.

Each client requests one face after another. Prints faces per second, latencies, the number of
answers by status, and with --pid the memory of the server in megabytes at every tenth of the time.
Uses only the standard library.
"""

import argparse
import collections
import http.client
import json
import pathlib
import statistics
import threading
import time
import urllib.parse


def resident(pid):
    fields = pathlib.Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * 4096 / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--pid", type=int)
    options = parser.parse_args()
    place = urllib.parse.urlparse(options.address)
    # Prevents load tests of other people's servers.
    if place.hostname not in ("127.0.0.1", "localhost", "::1"):
        parser.error("the server must be on this machine")
    end = time.monotonic() + options.seconds
    times, statuses = [], collections.Counter()

    def client(number):
        connection = http.client.HTTPConnection(place.hostname, place.port)
        seed = number * 1_000_000
        while time.monotonic() < end:
            seed += 1
            body = json.dumps({"prompt": "an old sailor with a white beard", "seed": seed})
            start = time.monotonic()
            connection.request(
                "POST", "/v1/images/generations", body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
            statuses[answer.status] += 1
            if answer.status == 200:
                times.append(time.monotonic() - start)
            else:
                time.sleep(float(answer.headers.get("Retry-After", 1)))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(options.clients)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    memory = []
    while options.pid and time.monotonic() < end:
        time.sleep(options.seconds / 10)
        memory.append(round(resident(options.pid)))
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    cuts = statistics.quantiles(times, n=100)
    report = {
        "faces_per_second": round(len(times) / took, 2),
        "p50_ms": round(cuts[49] * 1000),
        "p95_ms": round(cuts[94] * 1000),
        "p99_ms": round(cuts[98] * 1000),
        "statuses": dict(statuses),
        "memory_mb": memory,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
