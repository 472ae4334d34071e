"""``python -m asserts.cli``."""

from __future__ import annotations

import sys

from asserts.cli import main

if __name__ == "__main__":
    sys.exit(main())
