"""The admission webhooks: HTTPS servers that change or refuse what is written, as their configurations say."""
