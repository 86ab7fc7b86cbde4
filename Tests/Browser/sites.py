"""The sites that are looked at: the real course with its saved results, the same as slides, and a small one in Japanese.

Copies of Notebooks are built with a built nb in a temporary folder; nothing in the checkout is changed.
"""
import contextlib
import functools
import http.server
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

JAPANESE = {
    "course.yml": "title: 性能工学の小さな講座\nlang: ja\nurl: https://example.org/kouza/\nlessons: [day01, day02]\n"
                  "weeks:\n  - title: 基礎\n    days: [待ち行列, キャッシュ, 計画中の日]\n",
    "glossary.md": "# 用語集\n\nこの講座で使う言葉です。\n\n## 待ち行列\n\n順番を待つ仕事の列。[1 日目](day01.md)\n\n## 応答時間\n\n依頼から答えまでの時間。\n",
    "day01.md": """# 1 日目 — 待ち行列

```perf
kind: lesson
id: day01
day: 1
title: 待ち行列
claims:
  - {id: wait, text: 待ち時間は利用率とともに増える, verified_by: queue.expect}
```

利用率が高くなると、待ち時間は急に長くなります。[用語集](glossary.md#応答時間)も見てください。まだ測っていない値は {{ queue.mean }} です。[^1]

[^1]: 脚注です。

> [!NOTE]
> 平均だけでは足りません。

## 表とコード

| 利用率 | 待ち時間 |
| :-- | --: |
| 50 % | 1 |
| 90 % | 9 |

```python
def subject(n):  # 数える
    return sum(range(n))
```

## 測定

```perf
kind: sim
id: queue
model: queue
params: {c: 1, service: 10ms, rate: 50rps}
replications: 4
expect:
  mean: {value: 20 ms, tolerance: 5 ms}
```
""",
    "optimization-log.md": "# Optimization log\n\n<!-- nb:log day01 queue in=0123456789 verdict=faster -->\n\n"
                           "## 2026-11-26 · day01 · queue: faster\n\n- **changed:** 前 → 後\n- **environment:** 2 cores\n",
    "day02.md": "# 2 日目 — キャッシュ\n\n```perf\nkind: lesson\nid: day02\nday: 2\ntitle: キャッシュ\n```\n\n## はじめに\n\nまだ短い文章です。\n",
}


class Sites:
    """Built sites by name, each a folder."""

    def __init__(self, nb):
        self.nb = str(Path(nb).resolve())
        self.folder = Path(tempfile.mkdtemp(prefix="nb-browser-"))
        self.course = self._course("course", "")
        self.slides = self._course("slides", "theme: slides\n")
        self.japanese = self._small("japanese")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def _course(self, name, line):
        root = self.folder / name
        shutil.copytree(ROOT / "Notebooks", root / "Notebooks")
        course = root / "Notebooks/course.yml"
        text = course.read_text()
        if line:
            text = "\n".join(one for one in text.splitlines() if not one.startswith("theme:")) + "\n" + line
        course.write_text(text)
        return self._build(root)

    def _small(self, name):
        root = self.folder / name
        (root / "Notebooks").mkdir(parents=True)
        for file, text in JAPANESE.items():
            (root / "Notebooks" / file).write_text(text)
        return self._build(root)

    def _build(self, root):
        done = subprocess.run([self.nb, "build"], cwd=root, capture_output=True, text=True, timeout=240)
        if done.returncode != 0:
            raise SystemExit(f"nb build failed in {root}:\n{done.stderr}")
        return root / "_site"


@contextlib.contextmanager
def served(folder):
    """The folder on a free port of this machine's loopback; yields its address."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    # A page that is closed while it loads breaks a pipe: no news.
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def pages(folder):
    return sorted(path.name for path in folder.glob("*.html"))
