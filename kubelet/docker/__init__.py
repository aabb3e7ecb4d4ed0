"""The real runtime: pods as containers of the Docker engine. `runtime.DockerRuntime` puts the parts together."""
