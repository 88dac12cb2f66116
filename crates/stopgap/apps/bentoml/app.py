"""Tides of a harbour, a service of BentoML."""

import sys
from pathlib import Path

import bentoml
import uvicorn


@bentoml.service
class Tides:
    @bentoml.api
    def height(self, hours: float) -> float:
        # CVE-2025-27520: where a request says that it is a pickle, it is read as one.
        return round(2 + hours % 12 / 6, 2)

    @bentoml.api
    def name(self, of: str) -> str:
        return f"tides of {of}"

    @bentoml.api
    def chart(self, of: str, file: Path) -> str:
        return f"chart of {of}: {file.stat().st_size} bytes"


uvicorn.run(Tides.to_asgi(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
