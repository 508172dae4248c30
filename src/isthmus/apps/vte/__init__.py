"""Venous thromboembolism in hospital: risk and bleeding with evidence, what is due, indicators, the report."""
