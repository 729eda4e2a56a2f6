"""
Sends the same requests to Millrace and to MLflow's own server code, and compares the answers field by field.

Usage: python test/contract/differential <millrace url> <scratch directory> [part ...]
Prints each difference, then the counts; exits with 1 when there is a difference.
"""

import importlib
import sys

from compare import counts

# Later parts use what earlier ones made.
PARTS = ("tracking", "registry", "versions", "artifacts", "limits", "fields", "traces", "bodies")

for part in sys.argv[3:] or PARTS:
    importlib.import_module(part)
print(", ".join(f"{count} {name}" for name, count in counts.items()))
sys.exit(min(counts["differences"], 1))
