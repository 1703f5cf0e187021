"""Windows: what comes in through listeners, and what record lookups and data packages show.

`actions` are the verbs; `fields` what may be shown of a record, `filter_queries` which records;
`section` is their provisioning.
"""
