"""Drafts (or what is live) as a folder of canonical YAML, and back: see docs/config-as-files.md."""
