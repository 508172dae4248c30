"""Who is who, across hospitals: normal forms, weights learnt without labels, clusters under constraints."""
