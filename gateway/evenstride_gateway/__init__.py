"""The gateway: moves bytes and events between pods, store, page and report. It holds no formula of the science."""
