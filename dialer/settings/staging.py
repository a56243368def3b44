"""Settings of a rehearsal of production: the same, with a short HSTS."""

from .production import *

SECURE_HSTS_SECONDS = 3600
