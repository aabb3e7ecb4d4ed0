"""Values encrypted on their way to the store: EncryptionConfiguration of apiserver.config.k8s.io/v1.

configuration.py: which resources, by which keys      ciphers.py: one value      storage.py: a `Storage` that does it
"""
