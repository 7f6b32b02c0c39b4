"""Write the golden files anew: ``python tests/outputs/update_golden.py``, then read the diff."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Render what `documents` of the conftest beside this file gives."""
    sys.path.insert(0, str(HERE.parent.parent))
    namespace = runpy.run_path(str(HERE / "conftest.py"))
    for name, document in namespace["documents"]().items():
        # Exact newlines on every system: the tests compare bytes.
        namespace["GOLDEN"].joinpath(name).write_bytes(document.encode())


if __name__ == "__main__":
    main()
