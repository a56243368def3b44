"""What an Asterisk must have before calls are placed through it: asked on each connection, so that a person who answers
never meets a dialplan that breaks off.
"""

from __future__ import annotations

from .ari import Ari, AriError

APP_VARIABLE = "CORDBOARD_APP"
"""The dialplan's global that names our application (conf/README.md)."""

MODULES = frozenset(
    [
        "app_amd",
        "app_chanspy",
        "app_mixmonitor",
        "app_playback",
        "app_stasis",
        "app_waitforsilence",
        "bridge_holding",
        "bridge_simple",
        "bridge_softmix",
        "chan_pjsip",
        "func_channel",
        "func_db",
        "func_logic",
        "func_periodic_hook",
        "pbx_config",
        "res_musiconhold",
        "res_pjsip_sdp_rtp",
        "res_pjsip_session",
        "res_sorcery_memory",
        "res_stasis_answer",
        "res_stasis_playback",
        "res_stasis_snoop",
    ]
)
"""Without one of these a call breaks off, is not recorded, or an agent cannot be reached."""


async def lacks(ari: Ari, app: str) -> list[str]:
    """What this Asterisk lacks, one sentence each with its cure. Raises AriUnreachable."""
    found: list[str] = []
    try:
        loaded = await ari.request("GET", "/asterisk/modules")
    except AriError as error:
        return [f"its modules cannot be seen ({error.message}): res_ari_asterisk must be loaded"]
    running = {one["name"].removesuffix(".so") for one in loaded if one.get("status") == "Running"}
    if missing := sorted(MODULES - running):
        found.append(f"these modules are not running: {', '.join(missing)} (modules.conf, and each one's own .conf)")
    try:
        named = str((await ari.request("GET", "/asterisk/variable", params={"variable": APP_VARIABLE}))["value"])
    except AriError:
        named = ""
    if named != app:
        words = f"is {named}" if named else "is not set"
        found.append(f"the dialplan's global {APP_VARIABLE} {words}; ASTERISK_ARI_APP is {app} (extensions.conf)")
    return found
