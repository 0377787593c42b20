"""``python -m pipetui``: see ``pipetui.cli``."""

import sys

from pipetui.cli import main

sys.exit(main())
