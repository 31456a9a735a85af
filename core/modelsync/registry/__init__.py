"""The client of a BentoCloud or Yatai registry: one method per endpoint, no policy.

Importing this package loads no HTTP library; `modelsync.registry.client` does.
"""

import modelsync.http  # noqa: F401 - before httpx, to say how much of it is loaded
