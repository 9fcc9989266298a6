"""The OpenAPI description as a page of its own: what there is to ask, without a script from elsewhere."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
    'initial-scale=1"><title>multilabel: API</title><link rel="stylesheet" href="/parts.css">'
    '<link rel="stylesheet" href="/demo.css"></head><body><main>'
    '<h1>API</h1><p>The same for programs: <a href="/openapi.json">/openapi.json</a>. To try it: <a href="/">the demo</a>.</p>'
)


def reference(description: Mapping[str, Any]) -> str:
    """One section for each path and method, with the schema of its body."""
    sections = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            bodies = "".join(
                f"<h3>{escape(kind)}</h3><pre>{escape(json.dumps(body['schema'], indent=2))}</pre>"
                for kind, body in content.items()
            )
            title = f"<h2>{escape(method.upper())} {escape(path)}</h2><p>{escape(operation.get('summary', ''))}</p>"
            sections.append(title + bodies)
    return HEAD + "".join(sections) + "</main></body></html>"
