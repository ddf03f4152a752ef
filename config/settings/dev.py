"""`make run`: everything on one machine."""

from config.settings.base import *

DEBUG = env.bool("DEBUG", default=False)
WHITENOISE_AUTOREFRESH = True  # a rebuilt front end is served without a restart
LOG_FORMAT = env.str("PAIBAN_LOG_FORMAT", default="console")
