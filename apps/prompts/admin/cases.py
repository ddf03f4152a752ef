"""Saved cases and their runs in the CMS."""
