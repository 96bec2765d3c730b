"""What an object store's error means: whether it may pass, and one line for people.

The libraries' own messages run over many lines and may hold signed addresses, so none of their text is
passed on but the error code.
"""

from __future__ import annotations

import os
import re
from typing import Literal

from obstore.exceptions import AlreadyExistsError, NotFoundError, PreconditionError

from skillstream.storage.url import SCHEMES, ObjectURL, shown

__all__ = ["ErrorKind", "endpoint_variable", "error_kind", "error_words"]

ErrorKind = Literal["missing", "exists", "changed", "full", "credentials", "refused", "passing"]

_STATUS = re.compile(r"(?:status code:|error response:?) (\d{3})\b")
_CODE = re.compile(r"<Code>(\w+)</Code>")

# Where the libraries look for credentials that the environment does not hold.
_METADATA = ("169.254.169.254", "169.254.170.2", "metadata.google.internal", "Account must be specified")

_MISSING_BUCKET = {"NoSuchBucket", "ContainerNotFound", "InvalidBucketName"}
_FULL = {"XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "AccountQuotaExceeded"}
_WRONG_CREDENTIALS = {
    "AuthenticationFailed",
    "AuthenticationRequired",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "InvalidTokenId",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
_WRONG_REGION = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}

_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
_CREDENTIALS_OF = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


def error_kind(error: BaseException) -> ErrorKind:
    """What to do about an error.

    `missing`: there is no such object. `exists`, `changed`: a condition does not hold. `passing`: the store
    or the network is away, so asking again may help. With `full`, `credentials` (none found) and `refused`
    somebody has to change something first.
    """
    text, status, code = _facts(error)
    if isinstance(error, AlreadyExistsError):
        return "exists"
    if isinstance(error, PreconditionError):
        return "changed"
    if isinstance(error, NotFoundError | FileNotFoundError) and code not in _MISSING_BUCKET:
        return "missing"
    if code in _FULL or status == 507:
        return "full"
    if any(place in text for place in _METADATA):
        return "credentials"
    if status in (408, 429) or (status is not None and status >= 500 and status != 501):
        return "passing"
    return "passing" if status is None and "HTTP error" in text and "builder error" not in text else "refused"


def error_words(error: BaseException, url: ObjectURL) -> str:
    """What is wrong and what helps, in one line, to follow `<what was tried> <url>: `."""
    text, status, code = _facts(error)
    said = f" ({code})" if code else f" (HTTP {status})" if status else ""
    kind = error_kind(error)
    if kind == "full":
        return f"the store is full{said}; nothing is lost: make room and start again"
    if kind == "credentials":
        return f"no credentials for {SCHEMES[url.scheme]} were found: set {_CREDENTIALS_OF[url.scheme]}" + (
            ", or run where a role gives them; profile files are not read" if url.scheme == "s3" else ""
        )
    if code in _MISSING_BUCKET or "bucket does not exist" in text:
        return f"there is no bucket {url.bucket!r}{said}; make it first"
    if code == "RequestTimeTooSkewed":
        return f"this machine's clock is wrong{said}"
    if code in _WRONG_CREDENTIALS or status == 401:
        return f"the credentials are wrong or have expired{said}; look at {_CREDENTIALS_OF[url.scheme]}"
    if code in _WRONG_REGION or status == 301:
        return f"the bucket is in another region{said}; set AWS_REGION to it"
    if status == 403:
        return f"access denied{said}: these credentials do not allow it"
    if kind == "passing" and status is None:
        return f"no answer from {_endpoint(url)}"
    if status == 501 or "not supported" in text or "not yet implemented" in text:
        return f"the store does not support this request{said}"
    if status is not None:
        return f"the store answered HTTP {status}" + (f" {code}" if code else "")
    return _first_line(text)


def _facts(error: BaseException) -> tuple[str, int | None, str]:
    """The message without its debug part, the HTTP status, if any, and the store's own code."""
    text = str(error).split("Debug source:")[0]
    status, code = _STATUS.search(text), _CODE.search(text)
    return text, int(status[1]) if status else None, code[1] if code else ""


def endpoint_variable(scheme: str) -> str | None:
    """The environment variable that names another server than the provider's, if one does."""
    return next((name for name in _ENDPOINTS.get(scheme, ()) if os.environ.get(name)), None)


def _endpoint(url: ObjectURL) -> str:
    variable = endpoint_variable(url.scheme)
    return f"{shown(os.environ[variable])} ({variable})" if variable else SCHEMES[url.scheme]


def _first_line(text: str) -> str:
    line = (text.strip().splitlines() or ["unknown error"])[0]
    return re.sub(r"\?\S+", "?***", line)[:200]
