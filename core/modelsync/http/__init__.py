"""HTTP/1.1 as both planes need it: the registry's small calls and the object store's many bytes, with one transport.

Importing this package loads no HTTP library; `modelsync.http.transport` does.
"""

import sys

if "httpx" not in sys.modules:
    # httpx loads its command line with itself, if click is installed: 40 ms of 220 before our first byte. It does
    # without where that module cannot be imported, which is what None says.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
