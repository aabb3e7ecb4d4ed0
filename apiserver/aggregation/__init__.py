"""Aggregation: APIService objects name other API servers, and clients find them behind this one."""
