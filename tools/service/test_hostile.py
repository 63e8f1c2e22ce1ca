"""Hostile requests over real connections: each gets the right status and a clear message, and the
server goes on."""

import base64
import http.client
import json
import struct
import urllib.parse
import zlib

import pytest

JSON = {"Content-Type": "application/json"}
MEGABYTE = 1 << 20


@pytest.fixture
def ask(real_address):
    """Sends any request and returns the status and the error code. Finally checks that the server
    is ready."""
    place = urllib.parse.urlparse(real_address)

    def ask(method, path, body=None, headers=JSON):
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            # The server answered before the whole body was sent.
            pass
        answer = connection.getresponse()
        error = json.loads(answer.read())["error"]
        assert error["message"] and "\n" not in error["message"]
        return answer.status, error["code"]

    yield ask
    health = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    health.request("GET", "/ready")
    assert health.getresponse().status == 200


def form(parts, boundary="border"):
    """A multipart body of (name, content) pairs, and its headers."""

    def head(name):
        disposition = f'form-data; name="{name}"; filename="x"'
        return f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()

    body = b"".join(head(name) + content + b"\r\n" for name, content in parts)
    return body + f"--{boundary}--\r\n".encode(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_bomb(side):
    """A PNG file of a single colour, a thousand times smaller than its pixels."""
    rows = zlib.compressobj(9)
    packed = (
        b"".join(rows.compress(bytes(side * 3 + 1)) for _ in range(min(side, 4000))) + rows.flush()
    )
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b'{"prompt": "a"} x', b"\xff\xfe", b"[" * 100_000, b'{"prompt": NaN}'],
)
def test_malformed_json(ask, body):
    assert ask("POST", "/v1/images/generations", body)[0] == 400


def test_bodies_of_100_megabytes(ask):
    large = bytes(100 * MEGABYTE)
    assert ask("POST", "/v1/images/generations", large) == (413, "body_too_large")
    body, headers = form([("prompt", b"older"), ("image", large)])
    assert ask("POST", "/v1/images/edits", body, headers) == (413, "body_too_large")
    pieces = (bytes(MEGABYTE) for _ in range(100))
    assert ask("POST", "/v1/faces", pieces) == (413, "body_too_large")


def test_multipart_bombs(ask):
    many = form([(f"field{i}", b"x") for i in range(10_000)])
    assert ask("POST", "/v1/images/edits", *many)[0] == 400
    same = form([("image", b"x")] * 40 + [("prompt", b"older")])
    assert ask("POST", "/v1/images/edits", *same)[0] == 400
    body, headers = form([("prompt", b"older")])
    for broken in [body[:40], b"", body.replace(b"border", b"other")]:
        assert ask("POST", "/v1/images/edits", broken, headers)[0] == 400
    assert ask("POST", "/v1/images/edits", body, {"Content-Type": "multipart/form-data"})[0] == 400


@pytest.mark.parametrize("side", [8_000, 60_000])
def test_decompression_bombs(ask, side):
    file = png_bomb(side)
    assert len(file) < 4 * MEGABYTE
    url = "data:image/png;base64," + base64.b64encode(file).decode()
    body = json.dumps({"from": {"image": url}})
    assert ask("POST", "/v1/faces", body) == (400, "invalid_image")


@pytest.mark.parametrize(
    "path",
    [
        "/page/../Cargo.toml",
        "/page/..%2f..%2fetc%2fpasswd",
        "/page//etc/passwd",
        "/page/%00",
        "/.git/config",
    ],
)
def test_path_traversal(ask, path):
    assert ask("GET", path) == (404, "not_found")


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/v1/faces"), ("DELETE", "/v1/models"), ("POST", "/"), ("PUT", "/health")],
)
def test_wrong_methods(ask, method, path):
    assert ask(method, path) == (405, "method_not_allowed")


def test_wrong_content_types(ask):
    for path in ["/v1/images/generations", "/v1/images/edits", "/v1/faces"]:
        assert ask("POST", path, b"a face", {"Content-Type": "text/plain"}) == (
            415,
            "unsupported_media_type",
        )
