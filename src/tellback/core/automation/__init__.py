"""Automation: webhooks, rules, subscriptions, listeners, lookups and data packages."""
