"""Check that README's first command answers as README says it does."""

import json
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
LOWEST = 0.4  # a cosine below which the default model hasn't understood a question of this kind

lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
hits = [json.loads(line) for line in lines if line.startswith('{"query"')]
if not hits:
    sys.exit("the command printed no hits")
best = hits[0]
scores = [hit["score"] for hit in hits]
if scores != sorted(scores, reverse=True) or best["score"] < LOWEST:
    sys.exit(f"the scores are {scores}, expected them to fall from at least {LOWEST}")
if best["fields"]["text"] not in README.read_text(encoding="utf-8"):
    sys.exit(f"the best hit is {best['fields']['text']!r}, which README.md does not show")
print(f"answered {best['query']!r} with {best['fields']['text']!r} ({best['score']})")
