"""A subscriber beside the gateways: a thread with a session that the broker keeps while it is away."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from support.servers import Broker

WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Heard:
    topic: str
    payload: dict[str, Any]
    retained: bool


@dataclass(slots=True)
class Listener:
    """What was heard, in order."""

    client: mqtt.Client
    heard: list[Heard] = field(default_factory=list[Heard])
    subscribed: threading.Event = field(default_factory=threading.Event)
    echo: threading.Event = field(default_factory=threading.Event)

    def settle(self) -> None:
        """Until everything that the broker had taken before is here: it comes before what is sent to oneself now."""
        self.echo.clear()
        self.client.publish("echo", b"", qos=1)
        assert self.echo.wait(WAIT_S)

    def again(self) -> None:
        """Until it is back at a broker that was away."""
        assert self.subscribed.wait(WAIT_S)


@contextmanager
def listening(broker: Broker, topics: str = "evenstride/#") -> Generator[Listener]:
    """Hears `topics` of the broker until the context ends, over restarts of the broker."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
    client.username_pw_set("gait", "secret")
    client.reconnect_delay_set(min_delay=1, max_delay=1)
    listener = Listener(client)

    def on_connect(*_: Any) -> None:
        client.subscribe([(topics, 1), ("echo", 1)])

    def on_subscribe(*_: Any) -> None:
        listener.subscribed.set()

    def on_disconnect(*_: Any) -> None:
        listener.subscribed.clear()

    def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == "echo":
            listener.echo.set()
        else:
            listener.heard.append(Heard(message.topic, json.loads(message.payload), message.retain))

    client.on_connect, client.on_subscribe = on_connect, on_subscribe
    client.on_disconnect, client.on_message = on_disconnect, on_message
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        listener.again()
        yield listener
    finally:
        client.disconnect()
        client.loop_stop()
