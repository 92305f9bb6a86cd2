"""python -m idxio"""

from .cli import main

raise SystemExit(main())
