"""The table `identity`: who a site's person is, as the site wrote it. No table of the CDM, and never handed out.

Packs fill it like any table. Texts stay as they were written; the linkage brings them to their normal forms.
"""

from isthmus.cdm.tables import Column, Table

TEXTS = (
    "record_number", "name", "given_name", "surname", "sex", "birth_date", "resident_id", "identifier",
    "identifier_kind", "phone", "email", "address", "street_number", "street", "suburb", "postcode", "city", "state",
    "contact_name", "contact_relation", "contact_phone",
)  # fmt: skip
"""What a record may say of a person. `identifier` is any other number that is one person's, `identifier_kind` which."""
IDENTITY = Table(
    "identity",
    (
        Column("identity_id", "bigint", required=True, key=True),
        Column("person_id", "bigint", required=True),
        *(Column(name, "text", required=False) for name in TEXTS),
        Column("same_person_id", "bigint", required=False),
    ),
    "system",
)
"""`person_id` is the site's; `same_person_id` another of its persons, of whom the site says that both are one."""
