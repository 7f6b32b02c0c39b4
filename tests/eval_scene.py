"""A few labelled cases on disk, small enough to foresee every figure, and models that answer them."""

import json
from collections.abc import Callable
from pathlib import Path

from fakes.model_server import Answer, Asked, findings

from reviewbot.wiring.evaluating import recordings
from reviewbot.wiring.evaluating.recordings import Entry, Head

COUNT = """\
diff --git a/count.py b/count.py
--- a/count.py
+++ b/count.py
@@ -1,3 +1,3 @@
 def last(items: list[str]) -> str:
     \"\"\"Give the last item.\"\"\"
-    return items[-1]
+    return items[len(items)]
"""
COUNT_LABELS = """\
about = "The index is one too high."
language = "python"
category = "boundaries"
whole = true

[[expected]]
severity = "high"
category = "bug"
why = "Indexes go up to len(items) - 1."
places = [{ quote = "return items[len(items)]" }]
"""
COPY = """\
diff --git a/copy.go b/copy.go
--- a/copy.go
+++ b/copy.go
@@ -10,6 +10,11 @@ func Copy(from, to string) error {
     source, err := os.Open(from)
     if err != nil {
         return err
     }
+    log.Printf("copying %s", from)
+    info, _ := source.Stat()
+    if info.Size() == 0 {
+        return nil
+    }
     defer source.Close()
     return write(to, source)
"""
COPY_LABELS = """\
about = "The file stays open on the new way out."
language = "go"
category = "resources"

[[expected]]
severity = "high"
category = "bug"
why = "An empty file is never closed."
places = [{ quote = "return nil" }, { quote = "defer source.Close()" }]

[[expected]]
severity = "medium"
category = "bug"
why = "Where Stat fails, info is nil."
places = [{ quote = "info, _ := source.Stat()" }]

[[accepted]]
quote = 'log.Printf("copying %s", from)'
"""
CLEAN = """\
diff --git a/add.go b/add.go
--- a/add.go
+++ b/add.go
@@ -1,2 +1,2 @@
 package sums
-func add(a int, b int) int { return a + b }
+func Add(a, b int) int { return a + b }
"""
CLEAN_LABELS = 'about = "Clean: a function gets a name of its own."\nlanguage = "go"\ncategory = "state"\n'

Script = Callable[[Asked], Answer]


def write(folder: Path, name: str, labels: str, diff: str) -> Path:
    """Write one case."""
    case = folder / name
    case.mkdir(parents=True, exist_ok=True)
    (case / "case.toml").write_text(labels, "utf-8")
    (case / "change.diff").write_text(diff, "utf-8")
    return case


def small(folder: Path) -> Path:
    """Write three cases, with three problems in two of them."""
    write(folder, "one-too-high", COUNT_LABELS, COUNT)
    write(folder, "left-open", COPY_LABELS, COPY)
    write(folder, "clean-name", CLEAN_LABELS, CLEAN)
    return folder


def claim(path: str, quote: str, line: int, title: str = "It is wrong") -> dict[str, object]:
    """Make a claim as a model does."""
    return {
        "path": path, "line": line, "quote": quote, "side": "RIGHT", "severity": "high", "category": "bug",
        "title": title, "body": "", "suggestion": None,
    }  # fmt: skip


HIGH = claim("count.py", "    return items[len(items)]", 3)
OPEN = claim("copy.go", "        return nil", 17, "An empty file stays open")
STAT = claim("copy.go", "    info, _ := source.Stat()", 15, "The error of Stat is dropped")
CLOSE = claim("copy.go", "    defer source.Close()", 19, "Not reached on each way out")
LOG = claim("copy.go", '    log.Printf("copying %s", from)', 14, "Paths end up in the log")
NAME = claim("add.go", "func Add(a, b int) int { return a + b }", 2)
NOWHERE = claim("add.go", "there_is_no_such_line()", 2)


def answering(**claims: list[dict[str, object]]) -> Script:
    """Answer with claims by the file's name without its suffix, and with none about other files."""

    def script(asked: Asked) -> Answer:
        return next((findings(*said) for name, said in claims.items() if f"### {name}." in asked.user), Answer())

    return script


def text_of(*claims: dict[str, object]) -> str:
    """Write an answer."""
    return json.dumps({"findings": list(claims)})


def recording(path: Path, entries: list[Entry], *, scripted: bool = True) -> Path:
    """Write a recording."""
    head = Head(scripted=scripted, model="made-up", note="Made up for a test.")
    path.write_text(recordings.render(head, entries), "utf-8")
    return path
