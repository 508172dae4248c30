"""Venous thromboembolism in hospital: risk and bleeding from data with evidence, what is due, indicators, the report."""
