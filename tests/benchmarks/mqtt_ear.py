"""`python mqtt_ear.py PORT LOG N`: hears N strides and writes when each arrived: point time, monotonic nanoseconds."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main(port: int, log: Path, n: int) -> None:
    arrived: list[tuple[bytes | bytearray, int]] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set("gait", "secret")

    def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        arrived.append((message.payload, time.monotonic_ns()))
        if len(arrived) == n:
            client.disconnect()

    def on_subscribe(*_: Any) -> None:
        print("ready", flush=True)

    client.on_message, client.on_subscribe = on_message, on_subscribe
    client.connect("127.0.0.1", port)
    client.subscribe("evenstride/+/stride", qos=1)
    client.loop_forever()
    log.write_text("\n".join(f"{json.loads(payload)['time_ns']} {at_ns}" for payload, at_ns in arrived))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
