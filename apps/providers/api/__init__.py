"""`/api/v1/admin/providers*`: endpoints, their keys, models and prices."""
