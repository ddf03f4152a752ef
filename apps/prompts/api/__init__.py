"""The management API of prompts."""
