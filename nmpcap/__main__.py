"""``python -m nmpcap VERB ...``."""

import sys

from nmpcap.cli.verbs import main

if __name__ == "__main__":
    sys.exit(main())
