"""A tool server that never says a word: `python -m tests.mcp.silent_server`."""

import time

if __name__ == "__main__":
    time.sleep(60)
