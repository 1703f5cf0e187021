"""Somebody at a survey's page without a browser: reads the page's form, fills it in, sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

VOID = {"input", "meta", "link", "progress"}


@dataclass
class Tag:
    name: str
    attributes: dict[str, str | None]
    text: str = ""

    def __getitem__(self, attribute: str) -> str | None:
        return self.attributes.get(attribute)


class Document(HTMLParser):
    """A page as the list of its tags, each with the text inside it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self._open: list[Tag] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = Tag(tag, dict(attrs))
        self.tags.append(found)
        if tag not in VOID:
            self._open.append(found)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().name != tag:
            continue

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            tag.text += data

    def all(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags if tag.name == name]

    def text(self, name: str) -> str:
        """What is in the first such tag, on one line."""
        return " ".join(self.all(name)[0].text.split())

    def fields(self) -> dict[str, str]:
        """The form as it would be sent untouched; of HTML's first line break in a text field as browsers do."""
        sent = {}
        for tag in self.tags:
            name = tag["name"]
            if name is None or tag.name == "meta" or tag.name == "button":
                continue
            if tag.name == "textarea":
                sent[name] = tag.text.removeprefix("\n")
            elif tag["type"] != "radio" or "checked" in tag.attributes:
                sent[name] = tag["value"] or ""
        return sent


@dataclass
class Visitor:
    """Goes from page to page as a browser would; `page` is the last one."""

    http: httpx.Client
    path: str
    page: httpx.Response = field(init=False)

    def open(self, path: str | None = None) -> Visitor:
        self.page = self.http.get(path or self.path)
        return self

    def send(self, **fields: str) -> Visitor:
        """Send the page's form with these fields filled in; a redirect is followed."""
        self.page = self.http.post(self.path, data=self.document.fields() | fields, follow_redirects=True)
        return self

    @property
    def document(self) -> Document:
        return Document(self.page.text)

    @property
    def question(self) -> str:
        return self.document.text("h1")

    @property
    def token(self) -> str:
        return self.document.fields()["session_id"]

    @property
    def text(self) -> str:
        return " ".join(self.page.text.split())
