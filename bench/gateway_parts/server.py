"""The product's own server, one worker, as in production. Run: `python -m bench.gateway_parts.server PORT`."""

import sys

import uvicorn


def main() -> None:
    import django

    django.setup()
    from apps.core import logging

    logging.configure(fmt="json", level="WARNING")
    uvicorn.run("config.asgi:application", port=int(sys.argv[1]), log_level="warning", access_log=False, lifespan="off")


if __name__ == "__main__":
    main()
