"""Isthmus: what hospitals really export, made one linked, traceable OMOP lakehouse."""

__version__ = "0.1.0"
