"""Loaded once by the server that witnesses are forked from: what takes seconds to import."""

import django

django.setup()
