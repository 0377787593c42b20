"""``python -m engine.runner``: see ``engine.runner.main``."""

import sys

from engine.runner.main import main

sys.exit(main())
