"""The pictures of the page in the documentation, taken in Chromium of the sample session.

    python tests/page_screenshots.py

writes docs/page.webp (the sample as it is), docs/page-damaged.webp (without one of its chunks, in dark colours) and
docs/sessions.webp (a page over both).
"""

from __future__ import annotations

import time
import wave
from base64 import b64decode
from contextlib import closing
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from chromium import Chromium
from typer.testing import CliRunner

from sessiontool import MergeOptions, merge
from sessiontool.cli import app

PROJECT = Path(__file__).parent.parent
SAMPLE = PROJECT / "samples" / "demo"
LOST = "chunks/001/000002.webm"
_QUALITY = 85  # of WebP: letters are still sharp
_SETTLED_S = 1.0


def pages(folder: Path) -> None:
    """Both sessions merged with their pages, and the page over them."""
    copytree(SAMPLE, folder / "demo")
    copytree(SAMPLE, folder / "demo-damaged")
    (folder / "demo-damaged" / LOST).unlink()
    for name in ("demo", "demo-damaged"):
        merge(name, store=folder, options=MergeOptions(words=True, page=True))
    ended = CliRunner().invoke(app, ["page", "--all", "--store", str(folder), "--quiet"])
    assert ended.exit_code == 0, ended.output


def take(browser: Chromium, url: str, size: tuple[int, int], scheme: str, script: str, to: Path) -> None:
    """One picture of a page, after a script of the page's own words."""
    page = browser.open("about:blank")
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    width, height = size
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    page.call("Emulation.setScrollbarsHidden", hidden=True)
    page.call("Page.navigate", url=url)
    page.wait_for(f"document.readyState === 'complete' && location.href === {url!r}", 30)
    time.sleep(_SETTLED_S)
    page.evaluate(script)
    time.sleep(_SETTLED_S)
    picture = page.call("Page.captureScreenshot", format="webp", quality=_QUALITY)["data"]
    to.write_bytes(b64decode(picture))


def main() -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder, silence = Path(name) / "store", Path(name) / "silence.wav"
        pages(folder)
        with wave.open(str(silence), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(48_000)
            file.writeframes(bytes(9600))
        with closing(Chromium(Path(name) / "browser", silence)) as browser:
            docs = PROJECT / "docs"
            for session, scheme, script, picture in (
                ("demo", "light", "seek(6700); 1", "page.webp"),
                ("demo-damaged", "dark", "seek(31900); setClip(31600, 45000); 1", "page-damaged.webp"),
            ):
                url = (folder / session / "merged" / "index.html").as_uri()
                take(browser, url, (1200, 720), scheme, script, docs / picture)
            take(browser, (folder / "index.html").as_uri(), (1000, 260), "light", "1", docs / "sessions.webp")


if __name__ == "__main__":
    main()
