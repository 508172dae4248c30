"""What the findings of a patient point to, ranked, with the evidence of each."""
