"""The client of a BentoCloud or Yatai registry: one method per endpoint, no policy.

Importing this package loads no HTTP library; `modelsync.registry.client` does.
"""

import sys

if "httpx" not in sys.modules:
    # httpx loads its command line with itself, if click is installed: 40 ms of 220 before our first byte. It does
    # without where that module cannot be imported, which is what None says.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
