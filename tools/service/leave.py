#!/usr/bin/env python3
"""Disconnects from a server during requests.

    leave.py http://127.0.0.1:8080 --pid PID [--times 1000]

Each client requests four faces and closes its connection after 0 to 300 ms; eight clients run at
the same time. Prints the server's queue, cancelled faces, file descriptors and memory before and
after, and the number of faces in the answer to another request. Uses only the standard library.
"""

import argparse
import concurrent.futures
import json
import pathlib
import random
import re
import socket
import time
import urllib.parse
import urllib.request

BODY = json.dumps({"prompt": "an old sailor with a white beard", "n": 4}).encode()


def usage(address, pid):
    text = urllib.request.urlopen(f"{address}/metrics").read().decode()
    counted = lambda name: int(re.search(rf"^anyface_{name} (\d+)", text, re.M).group(1))
    process = pathlib.Path("/proc") / str(pid)
    return {
        "queue_depth": counted("queue_depth"),
        "cancelled": counted("cancelled_total"),
        "descriptors": len(list((process / "fd").iterdir())),
        "memory_mb": round(int((process / "statm").read_text().split()[1]) * 4096 / 1e6),
    }


def leave(place, wait):
    head = (
        f"POST /v1/images/generations HTTP/1.1\r\nHost: {place.netloc}\r\n"
        "Content-Type: application/json\r\n"
    )
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        time.sleep(wait)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--times", type=int, default=1000)
    options = parser.parse_args()
    place = urllib.parse.urlparse(options.address)
    before = usage(options.address, options.pid)
    waits = [random.Random(i).uniform(0, 0.3) for i in range(options.times)]
    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        list(clients.map(lambda wait: leave(place, wait), waits))
    while usage(options.address, options.pid)["queue_depth"]:
        time.sleep(0.05)
    time.sleep(1)
    after = usage(options.address, options.pid)
    request = urllib.request.Request(
        f"{options.address}/v1/images/generations", BODY, {"Content-Type": "application/json"}
    )
    faces = len(json.load(urllib.request.urlopen(request))["data"])
    print(json.dumps({"before": before, "after": after, "faces_of_the_next_request": faces}))


if __name__ == "__main__":
    main()
