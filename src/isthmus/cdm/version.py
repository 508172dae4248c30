"""Which Common Data Model the lake speaks."""

CDM_VERSION = "5.4"
