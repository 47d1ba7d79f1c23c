"""The boards without Grafana: Prometheus beside the demo, a gentle load, and a page that draws the same JSON."""
