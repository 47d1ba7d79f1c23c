"""The four Grafana boards: written in boards.py, generated into dashboards/ by `python -m observability.grafana`."""
