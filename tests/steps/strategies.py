"""Random changes for hypothesis, consistent as git's are: numbers rise, and hunks do not touch."""

from hypothesis import strategies as st

from reviewbot.domain.patch import FilePatch, Hunk, Patch, Status

TEXTS = st.one_of(
    st.sampled_from(["", "    ", "x = 1", "}", "def f(a, b):", "    return a"]),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=30),
)
PATHS = st.sampled_from(["a.py", "b.py", "src/a.py", "tests/test_a.py", "src/b.ts", "src/b.test.ts", "README"])


@st.composite
def hunks(draw: st.DrawFn, *, kinds: str = "+- ", most: int = 3) -> tuple[Hunk, ...]:
    """Draw the hunks of one file, each with at least one changed line."""
    result = []
    old = new = 1
    for _ in range(draw(st.integers(1, most))):
        rows = draw(st.lists(st.tuples(st.sampled_from(kinds), TEXTS), min_size=1, max_size=12))
        if all(kind == " " for kind, _ in rows):
            rows.append((kinds[0], draw(TEXTS)))
        gap = draw(st.integers(0, 20)) if " " in kinds else 0
        old, new = old + gap, new + gap
        marks = (len(rows) - 1,) if draw(st.booleans()) else ()
        body = "\n".join(kind + text for kind, text in rows)
        section = draw(st.sampled_from(["", "def f():"]))
        result.append(Hunk(old_start=old, new_start=new, body=body, section=section, no_newline=marks))
        old += sum(kind != "+" for kind, _ in rows)
        new += sum(kind != "-" for kind, _ in rows)
        if " " not in kinds:
            break
    return tuple(result)


@st.composite
def files(draw: st.DrawFn, path: str) -> FilePatch:
    """Draw what a change does to the file with that path."""
    status = draw(st.sampled_from(Status))
    kinds = {Status.ADDED: "+", Status.DELETED: "-"}.get(status, "+- ")
    old_path = {Status.ADDED: None, Status.RENAMED: f"old/{path}"}.get(status, path)
    return FilePatch(path=path, old_path=old_path, status=status, hunks=draw(hunks(kinds=kinds)))


@st.composite
def patches(draw: st.DrawFn) -> Patch:
    """Draw a change to up to five files."""
    paths = draw(st.lists(PATHS, min_size=1, max_size=5, unique=True))
    return Patch(files=tuple(draw(files(path)) for path in paths))
