"""Settings of ./run test and of the benches' fixtures."""

from .base import *
from .schema import secret

SECRET_KEY = secret("SECRET_KEY", default="test-only")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
