"""Settings that hold everywhere. What differs by environment is in the modules beside this one."""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONE, SELF

from .schema import BASE_DIR, env, networks, one_of, process_name, secret, socket_of, trunk_limits

DATA_DIR = Path(env.str("CORDBOARD_DATA_DIR", default=str(BASE_DIR / ".cordboard" / "var")))
SWITCH = one_of("CORDBOARD_SWITCH", ("asterisk", "simulated"), "asterisk")
DEMO = env.bool("CORDBOARD_DEMO", default=False)

DEBUG = False
CLOCK_OFFSET_FILE = ""
SECRET_KEY = secret("SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "csp",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "dialer.core",
    "dialer.telephony",
    "dialer.live",
    "dialer.people",
    "dialer.campaigns",
    "dialer.inbound",
    "dialer.leads",
    "dialer.compliance",
    "dialer.agents",
    "dialer.calls",
    "dialer.handling",
    "dialer.desk",
    "dialer.floor",
    "dialer.whatif",
    "dialer.planning",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dialer.people.language.LanguageMiddleware",
    "dialer.core.bodies.TooLargeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "dialer.urls"
ASGI_APPLICATION = "dialer.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# PostgreSQL is the truth. Django's own pool serves the web; long-lived threads keep what they took.
DATABASES = {
    "default": {
        **env.db_url("DATABASE_URL", default="postgres://localhost:5432/cordboard"),
        "ENGINE": "dialer.core.postgres",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # a server that was restarted must not cost one failed page per connection
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "pool": {
                "min_size": 2,
                "max_size": env.int("DATABASE_POOL", default=20),
                "timeout": 5,
                # The pool doubles its pauses for as long as this, so after a minute without server it would look again
                # a minute later. Having given up it tries anew whenever somebody asks for a connection.
                "reconnect_timeout": 2,
            },
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
# The list-based layer drops above its capacity and loses idle sockets with current redis-py: pub/sub only.
CHANNEL_LAYERS = {"default": {"BACKEND": "dialer.live.layer.Layer", "CONFIG": {"hosts": [REDIS_URL]}}}

# Background jobs by name; the product knows no job queue.
JOBS = "tasks.asks.JOBS"
JOB_QUEUES = {"pacing": "huey.redis.cordboardpacing", "worker": "huey.redis.cordboardworker"}
# Who may read /metrics: whoever brings this token; without one, this machine alone.
METRICS_TOKEN = secret("METRICS_TOKEN", default="")

AUTH_USER_MODEL = "people.User"
LOGIN_URL = "people:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "people:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Every page is used over one long shift, so the page in use keeps the session alive.
SESSION_COOKIE_AGE = 14 * 3600
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Only our own: nothing that packages bring is used, and some of it cannot be given hashed names.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STATIC_ROOT = DATA_DIR / "static"
# Once collected, files are served compressed and for ever under their hashed names; straight from static/ otherwise.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dialer.core.static.StaticFiles"},
}
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()

RECORDINGS_DIR = Path(env.str("ASTERISK_RECORDINGS_DIR", default=str(DATA_DIR / "recordings")))
IMPORTS_DIR = Path(env.str("CORDBOARD_IMPORTS_DIR", default=str(DATA_DIR / "imports")))
TRUNK = env.str("ASTERISK_TRUNK", default="carrier")
TRUNK_LIMITS = trunk_limits("ASTERISK_TRUNK_LIMITS")
SIP_HOST = env.str("ASTERISK_SIP_HOST", default="")
SIP_PORT = env.int("ASTERISK_SIP_PORT", default=5060)

# Mail, for alerts; without a server they are shown on screens only.
EMAIL_HOST = env.str("EMAIL_HOST", default="")
EMAIL_PORT = env.int("EMAIL_PORT", default=587)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = secret("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="cordboard@localhost")

# Webhooks go to the public internet, and to these networks of ours, where the operator says so.
WEBHOOK_NETWORKS = networks("WEBHOOK_NETWORKS")

# Browser phones: SIP goes through our own site to Asterisk's socket, sound straight between the two.
PHONE_DEFAULT = one_of("CORDBOARD_PHONE", ("browser", "sip", "number"), "browser")
PHONE_SOCKET_UPSTREAM = env.str("ASTERISK_WS_URL", default="") or socket_of(env.str("ASTERISK_ARI_URL", default=""))
PHONE_SOCKET_URL = env.str("PHONE_SOCKET_URL", default="") or "/phone/ws/"
if PHONE_SOCKET_URL.startswith("ws"):
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["connect-src"].append(PHONE_SOCKET_URL.split("?")[0])
STUN_URLS = env.list("STUN_URLS", default=[])
TURN_URLS = env.list("TURN_URLS", default=[])
TURN_SECRET = secret("TURN_SECRET", default="")
TURN_USERNAME = env.str("TURN_USERNAME", default="")
TURN_PASSWORD = secret("TURN_PASSWORD", default="")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "dialer.core.logs.LineFormatter", "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": "dialer.core.logs.JsonFormatter", "process": process_name()},
    },
    "filters": {"one line": {"()": "dialer.core.outage.OneLine"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": one_of("LOG_FORMAT", ("line", "json"), "line"),
            "filters": ["one line"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "huey": {"level": "WARNING"},
        # A refused or missing page is an answer, not an event; it came with a traceback each.
        "django.request": {"level": "ERROR"},
        "panoramisk": {"level": "ERROR"},
        "uvicorn.access": {"level": "WARNING"},
    },
}
