"""The channel layer: the library's, leaving nothing behind while Redis is away.

For each socket that opens the library makes a queue, then subscribes to it; when it cannot, the queue stays. Pages come
back about once a second each until Redis is there again, and a floor of them would fill the memory within the hour.
"""

from __future__ import annotations

from uuid import uuid4

from channels_redis.pubsub import RedisPubSubChannelLayer


class Layer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """Sends through Redis' publish and subscribe."""

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A channel for one socket of this process."""
        ours = self._get_layer()
        channel = f"{ours.prefix}{prefix}{uuid4().hex}"
        try:
            await ours._subscribe_to_channel(channel)
        except BaseException:
            ours.channels.pop(channel, None)
            raise
        return channel
