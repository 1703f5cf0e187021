"""The one piece of feedback that every contestant stores."""

from __future__ import annotations

import json

TITLE = "Export stops at 10,000 rows"
STEPS = (
    "Open the project, choose Export, keep the default columns and press Start. The bar stands still after"
    " ten thousand rows; the log says the connection was closed. Happens every time since Tuesday."
)
SUBMITTER = "bo@example.com"

#: as the Centercode dialect takes it, about 330 bytes
BODY = json.dumps(
    {
        "title": TITLE,
        "description": STEPS,
        "severity": "High",
        "devices": ["Phone", "Desktop"],
        "rating": 4,
        "submitter": SUBMITTER,
    }
).encode()
