"""`python -m gmstudio` is `gmstudio`."""

from __future__ import annotations

import sys

from gmstudio.cli import main

if __name__ == "__main__":
    sys.exit(main())
