"""Surveys for tests of the core: stored forms, and versions compiled from them."""

from __future__ import annotations

from typing import Any

from tellback.core import surveys


def choice(title: str, *answers: dict[str, Any], metric: str = "none") -> dict[str, Any]:
    """A question with answers as {id, value, goto, end}; their texts are their ids."""
    given = [
        {"goto": None, "end": False, "text": str(one["id"]), "value": str(one["id"])} | one for one in answers
    ]
    return {"title": title, "text": f"{title}?", "type": "choose_one", "metric": metric, "answers": given}


def text(title: str, metric: str = "none") -> dict[str, Any]:
    return {"title": title, "text": f"{title}?", "type": "enter_text", "metric": metric, "answers": []}


def version(*questions: dict[str, Any], number: int = 1) -> surveys.Version:
    return surveys.rules.compiled(number, questions)
