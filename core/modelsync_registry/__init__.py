"""A model registry to host oneself: it speaks BentoCloud's wire contract, and knows nothing of the engine.

Where it differs on purpose from Yatai, the public server of that contract:

- start_upload and finish_upload answer with the new status, not the old one.
- PATCH of a model applies description, manifest and build_at as well as labels, so that a forced push can refresh its
  record; PATCH of a repository applies labels also where no description comes with them.
- `q` works on the list of one repository, as on BentoCloud; `sort:updated_at` works on repositories.
- Lists have a last sort key, so that no page repeats or skips a row; words match in either case.
- The organization's answer never holds storage secrets.
- Object URLs refuse requests that carry a token, so that a leak is noticed.
"""
