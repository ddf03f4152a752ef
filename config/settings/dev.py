"""`make run`: everything on one machine."""

from config.settings.base import *

DEBUG = env.bool("DEBUG", default=False)
LOG_FORMAT = env.str("PAIBAN_LOG_FORMAT", default="console")
