"""One writer at a time: whoever works on a file or a folder for longer than a moment holds its lock meanwhile.

The lock is a hidden file, `.NAME.lock` beside the file or `.lock` within the folder, which its holder removes in the end. The lock
itself is dropped by the operating system when its holder ends, however it ends: what a killed process left behind stops nobody.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from snnviz.errors import InputError

try:
    import fcntl
except ImportError:  # not a POSIX machine: nobody is refused
    fcntl = None  # type: ignore[assignment]

_UNKNOWN = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
"""What file systems without locks answer; there, too, nobody is refused."""
_TRIES = 100

_mine: ContextVar[frozenset[Path]] = ContextVar("_mine", default=frozenset())
"""The locks of this very work: what it calls may ask for them again."""
_held: set[int] = set()


@contextmanager
def alone(path: str | os.PathLike[str], name: str = "out", *, folder: bool = False) -> Iterator[None]:
    """Be the only one that writes `path` inside the `with` block.

    Args:
        path: the file or folder. The folder it lies in is made if missing, and removed again if it is empty in the end.
        name: of the argument that holds it, for messages.
        folder: whether `path` is a folder.

    Raises:
        InputError: if somebody else is writing it, or nobody can.
    """
    try:
        lock, handle, made = _claimed(Path(path), folder)
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        reason = error.strerror if isinstance(error, OSError) else str(error)
        kind = "a folder" if folder else "a file"
        raise InputError(f"`{name}` must be {kind} that can be written. Received: {str(path)!r} ({reason})") from error
    if handle is None:
        yield
        return
    if handle < 0:
        raise InputError(
            f"`{name}` must not be written by two at the same time. Received: {str(path)!r}, which {_writer(lock)} is writing"
        )
    _held.add(handle)
    before = _mine.set(_mine.get() | {lock})
    try:
        yield
    finally:
        _mine.reset(before)
        if handle in _held:  # not in a child process
            _held.discard(handle)
            with suppress(OSError):
                if _is(handle, lock):
                    lock.unlink()  # before it is let go of, see `_claimed`
            os.close(handle)
            for each in made:
                with suppress(OSError):
                    each.rmdir()


def _claimed(target: Path, folder: bool) -> tuple[Path, int | None, list[Path]]:
    """The lock, the descriptor that holds it (None if none is needed, -1 if somebody else does), and the folders made for it."""
    if not folder and target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    home = target if folder else target.parent
    made = [each for each in (home, *home.parents) if not each.exists()]
    for _ in range(_TRIES):
        home.mkdir(parents=True, exist_ok=True)
        lock = home.resolve() / (".lock" if folder else f".{target.name}.lock")
        special = not folder and target.exists() and not target.is_file()  # a device or a pipe
        if fcntl is None or special or lock in _mine.get():
            return lock, None, made
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except FileNotFoundError:
            continue  # the one before has just removed the empty folder
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return lock, -1, made
        except OSError as error:
            if error.errno not in _UNKNOWN:
                os.close(handle)
                raise
        if _is(handle, lock):
            with suppress(OSError):  # it is for people, and a disk may be full
                os.ftruncate(handle, 0)
                os.write(handle, b"%d\n" % os.getpid())
            return lock, handle, made
        os.close(handle)  # the one before removed it between the two: whoever comes now makes a new one
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _is(handle: int, lock: Path) -> bool:
    """Whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), lock.lstat())
    except FileNotFoundError:
        return False


def _writer(lock: Path) -> str:
    with suppress(OSError, ValueError):
        return f"process {int(lock.read_bytes()[:20])}"
    return "another process"


def _forget() -> None:
    """In a forked child: let go of what its parent holds, so that it ends with the parent."""
    for handle in _held:
        os.close(handle)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
