"""Which part of the program a file of code is."""

from pathlib import Path

OURS, NGHTTP2, OPENSSL, LIBC, OTHER = "ours", "nghttp2", "openssl", "libc", "other"
COMPONENTS = (OURS, NGHTTP2, OPENSSL, LIBC, OTHER)
_BEGINNINGS = (
    ("martlet", OURS), ("libnghttp2", NGHTTP2), ("libssl", OPENSSL), ("libcrypto", OPENSSL),
    ("libc.", LIBC), ("libm.", LIBC), ("ld-linux", LIBC))


def component(file: str) -> str:
    """`ours` is all of the program's own file, with Swift's runtime."""
    name = Path(file).name
    return next((part for beginning, part in _BEGINNINGS if name.startswith(beginning)), OTHER)


def by_component(by_object: dict) -> dict:
    sums = dict.fromkeys(COMPONENTS, 0)
    for file, count in by_object.items():
        sums[component(file)] += count
    return sums
