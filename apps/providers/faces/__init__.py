"""The gateway's HTTP faces in the hot lane: OpenAI's own, and the unified protocol."""
