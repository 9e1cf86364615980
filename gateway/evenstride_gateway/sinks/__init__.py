"""Where results go besides the store: InfluxDB and MQTT. Each follows the store's change numbers at its own pace."""
