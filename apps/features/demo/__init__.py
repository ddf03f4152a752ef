"""What `manage.py seed` puts into a new installation."""
