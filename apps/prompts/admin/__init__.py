"""The CMS screens of prompts."""

from apps.prompts.admin import cases, prompt, versions

__all__ = ["cases", "prompt", "versions"]
