"""Who is who, across hospitals. Empty until identities are linked: today a person is one patient number at one site."""
