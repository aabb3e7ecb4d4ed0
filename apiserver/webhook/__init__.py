"""Calls from the API server to HTTPS servers that others run: admission webhooks and conversions."""
