"""The report of a registry: one page in English and Chinese, without script, of what `report.yaml` asks for."""
