"""A disk that takes its time holds up those who wait for it, and nobody else."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import httpx

from support.registry_server import (
    RegistryServer,
    presign_get,
    presign_part,
    put_object,
    register_model,
    start_multipart,
)
from support.waiting import wait_for

PART = b"x" * 1000
ANSWERS = 20


def test_what_is_read_does_not_wait_for_a_part_that_the_disk_is_slow_to_take(registry_server: RegistryServer) -> None:
    api = registry_server.api
    pulled, pushed = (register_model(api, "bert", version) for version in ("v1", "v2"))
    put_object(api, pulled, [b"content"])
    url = presign_get(api, pulled)
    upload_id = start_multipart(api, pushed)
    part_url = presign_part(api, pushed, upload_id, 1)
    # Whoever opens it for writing waits until somebody reads: the record of the part is written to it.
    slow = registry_server.data / "uploads" / upload_id / "1.new"
    os.mkfifo(slow)
    blobs = registry_server.data / "blobs"
    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(httpx.put, part_url, content=PART, timeout=60)
        try:
            wait_for(lambda: [one for one in blobs.iterdir() if one.stat().st_size == len(PART)], what="the part")
            for _ in range(ANSWERS):
                assert httpx.get(url, timeout=10).content == b"content"
                assert httpx.get(f"{registry_server.url}/api/v1/version", timeout=10).status_code == 200
            assert not sending.done()
        finally:
            with slow.open() as record:
                record.read()
        assert sending.result().status_code == 200
