"""Django's PostgreSQL backend for processes that run for weeks; `ENGINE` in the settings."""
