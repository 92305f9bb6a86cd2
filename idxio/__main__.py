"""python -m idxio"""

from .cli.main import main

raise SystemExit(main())
