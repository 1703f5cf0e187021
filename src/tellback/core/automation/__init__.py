"""Automation: webhooks, rules, subscriptions, listeners, lookups and data packages.

In the order in which an event passes through them:

- `events`: the reader of the feed that decides what an event is for; `running`: what rules and listeners do;
  `conditions`, `subjects`: what they look at.
- `rendering`, `templates`, `liquid`: requests, made of templates when the event is acted on.
- `delivery_queries`, `settling`, `delivery_rules`, `hints`: queues, outcomes, what comes after them. Sending itself is
  `tellback.worker`'s, by `addresses` and `signing`.
- `paths`, `capturing`: values picked from an answer, stored on the event's subject.
- `deliveries`, `orders`: what people do to queues.
- `windows`: what comes in through listeners, and what lookups and packages show.
- `section_...`: provisioning.
"""
