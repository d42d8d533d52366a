"""The page and /metrics: what a browser and Prometheus see of a director, served by the notify worker."""
