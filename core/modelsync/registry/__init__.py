"""The client of a BentoCloud or Yatai registry: one method per endpoint, no policy.

Importing this package loads no HTTP library; `modelsync.registry.client` does.
"""
