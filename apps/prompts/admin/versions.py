"""The versions of a prompt in the CMS."""
