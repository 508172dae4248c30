"""Pathways as files: pages in both languages, tables of patients and rules, evidence."""
