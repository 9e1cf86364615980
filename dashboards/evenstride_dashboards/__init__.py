"""Grafana dashboards and alert rules, generated from the schema of the InfluxDB sink. Nothing here is made by hand."""
