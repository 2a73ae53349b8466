"""How much memory this process may still take, and whether what a file claims to hold fits into it."""

from __future__ import annotations

import ctypes
import io
import math
import os
import zipfile
from pathlib import Path

from snnviz.errors import InputError

_MOST_PACKED = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}
"""How many bytes a byte of an archive can stand for, at most, where that is known."""
JSON_GROWS = 30
"""About how many bytes of memory a byte of JSON takes, at most."""


def available() -> float:
    """Bytes that can be taken: what the machine has free, and what the limit of this process's address space leaves.

    Infinite where the system does not say.
    """
    return min(_free(), _below_limit())


def give_back() -> None:
    """Give freed memory back to the system where the C library can: glibc keeps what arrays of a few MiB leave, and a network of
    ImageNet's size leaves a gigabyte after each phase of a conversion."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def check_room(needed: float, what: str, received: str) -> None:
    """Refuse what needs more memory than is free, before anything is taken.

    Args:
        needed: bytes.
        what: must be how, a phrase that ends in "fit into memory" or the like.
        received: what needs it, a phrase that ends in "which takes" or the like.

    Raises:
        InputError: naming what needs how much, and what is free.
    """
    if needed > (free := available()):
        raise InputError(f"{what}, {free / 2**30:.1f} GiB now. Received: {received} {needed / 2**30:.1f} GiB")


def check_fits(path: str, claimed: float, held: int, what: str = "the file") -> None:
    """Refuse a file that claims more than memory holds, before anything is taken.

    Args:
        path: of the file, for the message.
        claimed: bytes that it claims to unpack to.
        held: bytes that it has.
        what: which part of it claims them.

    Raises:
        InputError: naming the file, what it claims, what it has and what is free.
    """
    check_room(claimed, "`path` must fit into memory", f"{path!r}, {held} bytes, where {what} claims")


def check_member(path: str, member: zipfile.ZipInfo) -> None:
    """Refuse a member of a zip file that claims more than memory holds, or than its bytes can stand for.

    Raises:
        InputError: naming the file, the member, what it claims and what it has.
    """
    check_fits(path, member.file_size, member.compress_size, member.filename)
    most = _MOST_PACKED.get(member.compress_type, math.inf)
    if member.file_size > member.compress_size * most + 64:
        raise InputError(
            f"`path` must be a whole file. Received: {path!r}, where {member.filename} claims {member.file_size} bytes "
            f"and has {member.compress_size}"
        )


def check_hdf5(path: str, content: bytes) -> None:
    """Refuse an HDF5 file whose arrays claim more than memory holds, or lie in other files; none is read.

    Raises:
        InputError: naming the file, what its arrays claim and what it has.
        OSError: or another kind, if it is no HDF5 file, or damaged.
    """
    import h5py

    with h5py.File(io.BytesIO(content), "r") as file:

        def claims(name: str) -> int:
            link = file.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise InputError(
                    f"`path` must hold all its arrays. Received: {path!r}, where {name} is in another file"
                )
            found = file.get(name)
            if not isinstance(found, h5py.Dataset):
                return 0
            if found.external:
                raise InputError(
                    f"`path` must hold all its arrays. Received: {path!r}, where {name} is in another file"
                )
            return int(found.nbytes)

        names: list[str] = []
        file.visit_links(names.append)
        check_fits(path, sum(map(claims, names)), len(content), "the sum of its arrays")


def _free() -> float:
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return 1024.0 * int(rows["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        pass
    try:  # without /proc: all there is
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):  # not a POSIX machine
        return math.inf


def _below_limit() -> float:
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return math.inf
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        return max(0.0, float(limit - taken))
    except (ImportError, OSError, ValueError):
        return math.inf
