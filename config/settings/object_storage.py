"""S3-compatible storage as Django's storage API wants it."""

from typing import Any


def s3_storage(*, bucket: str, endpoint_url: str, region: str, link_seconds: int) -> dict[str, Any]:
    """The `STORAGES` entry: private objects, never overwritten, read through links that lapse.

    Credentials come from where boto3 looks for them (environment, profile or instance role).
    """
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint_url or None,
            "region_name": region or None,
            "default_acl": None,
            "file_overwrite": False,
            "querystring_auth": True,
            "querystring_expire": link_seconds,
            "signature_version": "s3v4",
        },
    }
