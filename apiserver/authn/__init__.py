"""Who is calling, proven by a certificate or a token; and whom the caller may act as."""
