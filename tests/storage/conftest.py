"""Fixtures of the tests against a real S3; here, so that no other test starts with its library."""

from support.seaweed import s3, seaweed_session

__all__ = ["s3", "seaweed_session"]
