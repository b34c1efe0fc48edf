"""``python -m slug_lightning`` is the command ``slug``."""

import sys

from slug_lightning.cli import main

if __name__ == "__main__":
    sys.exit(main())
