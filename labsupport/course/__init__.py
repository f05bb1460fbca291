"""From a lesson's source to executed notebooks, and from there to the learner."""

import sys

# jsonschema, which nbformat imports, compiles a grammar for the format "iri" when it finds this module: 4 seconds for
# every command and every executed notebook. No notebook uses that format, and without the module jsonschema skips it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
