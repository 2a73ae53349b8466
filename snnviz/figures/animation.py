"""Animations: they show themselves in a notebook, are saved as GIF, and as MP4 or WebM where ffmpeg is installed."""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._files import replacing
from snnviz.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("gif", "mp4", "webm")
_CODECS = {
    "mp4": ("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
    "webm": ("-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-pix_fmt", "yuv420p"),
}


def check_formats(argument: str, formats: Sequence[str]) -> list[str]:
    """Formats that `argument` asked for, each once.

    Raises:
        InputError: for an unknown one, or a video where ffmpeg is not installed.
    """
    found = [check.choice(argument, format, FORMATS) for format in dict.fromkeys(formats)]
    videos = [format for format in found if format != "gif"]
    if videos and shutil.which("ffmpeg") is None:
        raise InputError(f"`{argument}` must be gif without ffmpeg; apt-get install ffmpeg. Received: {videos[0]!r}")
    return found


@dataclass(frozen=True)
class Animation:
    """Frames, one a time step.

    Attributes:
        frames: RGB images of one size, even in both directions.
        fps: frames a second.
        title: one line.
        origin: where what is shown comes from.
    """

    frames: tuple[Image, ...]
    fps: int
    title: str = ""
    origin: str = ""

    def gif(self) -> bytes:
        """The animation as a GIF that runs forever; the last frame stays for two seconds."""
        from PIL import Image

        # one palette for all frames, or colours would flicker
        middle = self.frames[-1].quantize(255, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        indexed = [frame.quantize(palette=middle, dither=Image.Dither.NONE) for frame in self.frames]
        buffer = io.BytesIO()
        indexed[0].save(
            buffer,
            format="GIF",
            save_all=True,
            append_images=indexed[1:],
            duration=[10 * round(100 / self.fps)] * (len(indexed) - 1) + [2000],  # GIF counts hundredths of a second
            loop=0,
            comment=f"{self.title}; {self.origin}".encode("ascii", "replace")[:255],
        )
        return buffer.getvalue()

    @checked
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.gif, .mp4 or .webm) and return it.

        Raises:
            InputError: for another suffix, or a video where ffmpeg is not installed.
        """
        target = Path(path)
        suffix = target.suffix.removeprefix(".").lower()
        if suffix not in FORMATS:
            raise InputError(f"`path` must end in .gif, .mp4 or .webm. Received: {str(path)!r}")
        if suffix != "gif":
            return self._encode(target, suffix)
        with replacing(target) as temporary:
            temporary.write_bytes(self.gif())
        return target

    def _encode(self, target: Path, suffix: str) -> Path:
        program = shutil.which("ffmpeg")
        if program is None:
            raise InputError(
                f"`path` must end in .gif without ffmpeg; apt-get install ffmpeg. Received: {str(target)!r}"
            )
        width, height = self.frames[0].size
        with replacing(target) as temporary:
            command = [
                program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
                "-r", str(self.fps), "-i", "-", "-an", *_CODECS[suffix], "-metadata", f"title={self.title}",
                "-metadata", f"comment={self.origin}", str(temporary),
            ]  # fmt: skip
            content = b"".join(frame.tobytes() for frame in self.frames)
            done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=600)  # noqa: S603
            if done.returncode:
                reason = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
                raise InputError(
                    f"`path` must be of a format that this ffmpeg writes. Received: {suffix} ({reason[-1]})"
                )
        return target

    def player(self) -> Any:
        """A Panel column: the picture above a slider with play, pause and single steps."""
        import panel as pn

        from snnviz._panes import Png

        pictures = []
        for frame in self.frames:
            buffer = io.BytesIO()
            frame.save(buffer, format="PNG")
            pictures.append(buffer.getvalue())
        control = pn.widgets.Player(
            start=1, end=len(pictures), value=1, interval=round(1000 / self.fps), loop_policy="loop"
        )
        picture = Png(pictures[0], width=self.frames[0].width // 2)

        def show(event: Any) -> None:
            picture.object = pictures[event.new - 1]

        control.param.watch(show, "value")
        return pn.Column(picture, control)

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.gif()).decode()
        width = self.frames[0].width // 2  # drawn at twice the resolution
        return f'<img src="data:image/gif;base64,{data}" width="{width}" alt="{self.title}">'
