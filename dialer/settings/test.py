"""Settings of ./run test and of the benches' fixtures."""

from .base import *
from .schema import env, secret

SECRET_KEY = secret("SECRET_KEY", default="test-only")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# How far the clock of all processes is off, in a file of seconds: tests step it while they run.
CLOCK_OFFSET_FILE = env.str("CORDBOARD_CLOCK_OFFSET_FILE", default="")
