"""``python -m reviewbot``.

Python puts the current folder first on its search path then, which is the repository under review: a ``json.py``
of a change would be run. Nothing is imported before that entry is gone.
"""

import sys

if not sys.flags.safe_path and sys.path and sys.path[0] != "":
    del sys.path[0]
sys.path[:] = [entry for entry in sys.path if entry]

from reviewbot.cli import main  # noqa: E402 - only now is it safe to import

if __name__ == "__main__":
    main()
