"""`python -m billing_pipeline.sandbox` serves the sandbox."""

from __future__ import annotations

import sys

from billing_pipeline.sandbox.serving import main

sys.exit(main())
