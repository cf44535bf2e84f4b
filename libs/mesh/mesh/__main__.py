"""`python -m mesh`."""

import sys

from mesh.commands import main

if __name__ == "__main__":
    sys.exit(main())
