"""The Django project around django-helpdesk. Runs in the peer's environment, not in ours."""
