"""Templates: texts of others with tags in them, filled in within bounds.

`texts` is for everybody; `liquid` is the engine behind it, which takes a while to import: `lexer` reads, `budget` counts,
`rendering` fills in, `filters` are what tags may use.
"""

from tellback.core.templates.model import TemplateFault
from tellback.core.templates.texts import Text, compiled, plain, render_text, text_faults

__all__ = ["TemplateFault", "Text", "compiled", "plain", "render_text", "text_faults"]
