"""Automation: what happens by itself when something happened.

- `events`: the reader of the feed that decides what an event is for (`rules`); `running`: what rules and listeners do.
- `rendering`: what templates see of an event, and the requests that come of it; `trying` makes one to try a webhook out.
- `orders`: what callers from outside have done with deliveries, as the intake log keeps it.
- `section_...`: provisioning webhooks, rules and subscriptions.
"""
