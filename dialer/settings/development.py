"""Settings of ./run on somebody's own machine: comfortable, never for the public."""

from .base import *
from .schema import env, secret

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret("SECRET_KEY", default="development-only")
