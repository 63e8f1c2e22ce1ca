"""Valid and invalid requests, generated from the OpenAPI document, never make the server fail."""

import os
import pathlib
import subprocess
import sys


def test_schemathesis_finds_no_failure(address):
    binary = pathlib.Path(sys.executable).parent / "schemathesis"
    checks = (
        "not_a_server_error,content_type_conformance,response_schema_conformance,unsupported_method"
    )
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES", "50")
    command = [
        binary,
        "run",
        f"{address}/openapi.json",
        "--checks",
        checks,
        "--max-examples",
        examples,
        "--seed",
        "1",
        "--no-color",
    ]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-6000:]
