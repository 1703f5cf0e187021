"""Where an address or a number may stand in what others said: replaced there, and nothing else of it.

`PLACES` are looked through for mentions. The other lists account for every remaining column that can hold a
text, so that a column of tomorrow cannot be forgotten (tests/core/test_erasure_places.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """Columns of a table: texts, JSON documents, and lists of texts. `key` tells its rows apart."""

    table: str
    key: tuple[str, ...]
    texts: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.texts, *self.documents, *self.lists)


PLACES: Final = (
    Place("sessions", ("number",), documents=("respondent", "answers", "metadata")),
    Place("contacts", ("id",), ("job_title",), ("segments", "external")),
    Place("accounts", ("id",), (), ("segments",)),
    Place("responses", ("id",), ("comment", "follow_up_details", "reference"),
          ("drivers", "segments", "metadata", "external")),
    Place("tickets", ("id",), ("subject", "body", "submitter_given", "priority"), ("values", "external"), ("tags",)),
    Place("timeline", ("ticket_id", "id"), ("note",), ("data",)),
    Place("answers", ("ticket_id", "id"), ("subject", "body")),
    Place("ratings", ("id",), ("message", "recommendation", "reviewer_name"), ("external",)),
    Place("captured_values", ("subject_type", "subject_id", "data_group", "label"), documents=("value",)),
    Place("rule_runs", ("id",), ("detail",)),
    Place("changes", ("seq",), documents=("data",)),
    Place("intake", ("id",), ("endpoint", "target")),
    Place("import_notes", ("run_id", "line"), ("note",)),
)  # fmt: skip

#: Erased where the row is the person's or tells of them (the `..._queries` beside this, and automation's).
ERASED_WITH_THE_ROW: Final[Mapping[str, tuple[str, ...]]] = {
    "contacts": ("email", "email_key", "name", "first_name", "last_name", "phone", "phone_key", "language"),
    "participants": ("name",),
    "ticket_search": ("document",),
    "files": ("name", "sha256", "media_type", "element", "parameter", "blob"),
    "intake": ("body", "error", "submitter", "unmatched", "unmapped"),
    "deliveries": ("request", "warnings"),
    "attempts": ("request", "response_headers", "response_body", "error", "warnings"),
    "changes": ("snapshot",),
    "kept_answers": ("body",),
    "import_rejects": ("cells", "reason"),
    "tags": ("name",),
}

#: Words of the hub, of its configuration or of its operators; ids, tokens, digests, scores and choices.
NOBODYS: Final[Mapping[str, tuple[str, ...]]] = {
    "account_names": ("name", "name_key"),
    "accounts": ("name",),
    "answers": ("actor", "opinion_text", "page_definition", "page_token"),
    "attempts": ("hint",),
    "captured_values": ("subject_type", "data_group", "label", "listener"),
    "changes": ("actor", "kind", "subject_type", "subject_id", "origin"),
    "deliveries": ("event_kind", "message_id", "origin", "state", "subject_type", "subject_id"),
    "feed_readers": ("name",),
    "import_runs": ("content", "file"),
    "intake": ("created_id", "created_type", "credential", "hint", "method", "missing", "request_id",
               "surface"),
    "kept_answers": ("fingerprint", "headers", "scope"),
    "leases": ("name", "owner"),
    "ratings": ("reviewer_id", "story_id", "verb"),
    "response_hours": ("touchpoint",),
    "responses": ("channel", "configuration", "kind", "scores", "source_key", "touchpoint"),
    "rule_once": ("subject_type", "subject_id"),
    "rule_runs": ("outcome", "subject_type", "subject_id"),
    "sessions": ("channel", "token"),
    "tickets": ("acquired_by", "channel", "sla", "status", "status_kind"),
    "timeline": ("actor", "kind"),
}  # fmt: skip

#: Tables that only people who run the hub write to: what stands there is changed there (docs/provisioning.md).
CONFIGURATION: Final = frozenset({
    "credentials", "destinations", "external_sources", "feedback_types", "import_configurations", "incoming_webhooks",
    "members", "pages", "projects", "rules", "schema_migrations", "signing_keys", "survey_versions", "surveys",
    "touchpoints", "windows", "workspaces",
})  # fmt: skip
