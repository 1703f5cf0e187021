"""`python -m helpdesk_site.fill USER PASSWORD`: one member of staff, one queue; prints token and number."""

import json
import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django's models need the set-up above
from helpdesk.models import Queue  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402

name, password = sys.argv[1:]
user = get_user_model().objects.create_superuser(name, "staff@example.com", password)
queue = Queue.objects.create(title="Beta programme", slug="beta", allow_public_submission=True)
json.dump({"token": Token.objects.create(user=user).key, "queue": queue.id}, sys.stdout)
