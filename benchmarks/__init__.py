"""Side-by-side measurements of push and pull: ours, the real bentoml, curl, on the same bytes in one run."""
