"""`python -m skillstream`."""

import sys

from skillstream.cli import main

sys.exit(main())
