"""The ./run command: the embedded servers, the supervisor of the Procfile's processes, tests, checks and benches.

Imports only the standard library, psutil and honcho, so that it works before Django can be configured.
"""
