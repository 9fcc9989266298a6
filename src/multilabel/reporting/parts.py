"""What the demo page of a server and the report's explorer share: how bars, words and heat look, and what draws them."""

from pathlib import Path

TEMPLATES = Path(__file__).with_name("templates")
STYLE = TEMPLATES / "parts.css"
SCRIPT = TEMPLATES / "parts.js"
