"""Do two programs accept the same inputs, and compute the same from them?

`inputs` makes inputs that break each check, `programs` runs both and compares, a subject
answers for a kind of program. Imports `passes` and folders before it.
"""

from __future__ import annotations

from asserts.verify.programs import VerifyReport, verify

__all__ = ["VerifyReport", "verify"]
