"""Taking in an uploaded picture: what is stored afterwards is a fresh file with nothing but pixels.

Image readers are where hostile files do harm, so none runs here. A child process with little memory, little
time and no environment opens the upload and writes the clean picture; this side only starts it, waits, and
believes nothing but a well-formed answer.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import structlog

from apps.core.errors import ApiError
from apps.core.storage.errors import (
    UploadAnimated,
    UploadBroken,
    UploadEmpty,
    UploadPastLimits,
    UploadTooLarge,
    UploadTooManyPixels,
    UploadTypeRefused,
)

logger = structlog.get_logger("storage")

CHILD: Final = Path(__file__).with_name("intake_child.py")
MEGA: Final = 1_000_000
# Signals by which the kernel ends a child that used up its time, its memory or its file size.
SPENT: Final = {-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGXFSZ}
# An answer is one line of about 60 bytes.
LONGEST_ANSWER: Final = 4096


@dataclass(frozen=True, kw_only=True)
class IntakeLimits:
    """What an upload may cost.

    Measured for 25 megapixels: WebP needs 450 MB of address space, JPEG and PNG with alpha, profile and a
    turn stay below 400; the slowest, that PNG, takes 4 s.
    """

    max_bytes: int = 20 * MEGA
    max_pixels: int = 25 * MEGA
    max_side: int = 4096
    timeout_seconds: float = 15.0
    cpu_seconds: int = 12
    memory_bytes: int = 768 * MEGA
    output_bytes: int = 128 * MEGA


@dataclass(frozen=True, kw_only=True)
class NormalisedImage:
    """The clean picture: PNG or JPEG, upright, sRGB, 8 bits, no metadata."""

    mime: str
    width: int
    height: int
    size: int
    sha256: str


def normalise_upload(path: Path, *, out: Path, limits: IntakeLimits | None = None) -> NormalisedImage:
    """Write a clean copy of the picture at `path` to `out`, which is overwritten.

    Blocks for 0.2 to 3 s: from async code call it in a thread. Nothing is left at `out` when it raises.
    Raises: UploadEmpty, UploadTooLarge, UploadTypeRefused, UploadBroken, UploadAnimated,
    UploadTooManyPixels, UploadPastLimits.
    """
    limits = limits or IntakeLimits()
    _check_size(path.stat().st_size, limits)
    try:
        return _described(out, _run_child(path, out, limits), limits)
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def _check_size(size: int, limits: IntakeLimits) -> None:
    if size == 0:
        raise UploadEmpty
    if size > limits.max_bytes:
        raise UploadTooLarge(limit=limits.max_bytes // MEGA)


def _run_child(path: Path, out: Path, limits: IntakeLimits) -> dict[str, Any]:
    """The child's answer. Whatever it does, it and all it started are gone afterwards."""
    arguments = [sys.executable, "-I", "-B", str(CHILD), str(path.absolute()), str(out.absolute())]
    # A file, not a pipe: the child's own file size limit bounds it, and it can never fill up and block.
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            [*arguments, json.dumps(asdict(limits))],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            close_fds=True,
            start_new_session=True,
        )
        try:
            status = child.wait(limits.timeout_seconds)
        except subprocess.TimeoutExpired:
            raise UploadPastLimits from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return _read_answer(output, status)


def _read_answer(output: IO[bytes], status: int) -> dict[str, Any]:
    if status in SPENT:
        raise UploadPastLimits
    output.seek(0)
    try:
        answer = json.loads(output.read(LONGEST_ANSWER)) if status == 0 else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        # The reader crashed on this file: for the uploader it is broken, for us worth a look.
        logger.warning("upload.child_crashed", status=status)
        raise UploadBroken
    return answer


def _refusal(answer: dict[str, Any], limits: IntakeLimits) -> ApiError:
    match answer.get("error"):
        case "type":
            return UploadTypeRefused()
        case "animated":
            return UploadAnimated()
        case "pixels":
            return UploadTooManyPixels(
                width=answer.get("width"), height=answer.get("height"), limit=limits.max_pixels // MEGA
            )
        case "limits":
            return UploadPastLimits()
        case _:
            return UploadBroken()


def _described(out: Path, answer: dict[str, Any], limits: IntakeLimits) -> NormalisedImage:
    """The figures of the written file; its size and hash are taken here, not on the child's word."""
    match answer:
        case {"mime": "image/png" | "image/jpeg" as mime, "width": int(width), "height": int(height)}:
            with out.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            return NormalisedImage(mime=mime, width=width, height=height, size=out.stat().st_size, sha256=digest)
    raise _refusal(answer, limits)
