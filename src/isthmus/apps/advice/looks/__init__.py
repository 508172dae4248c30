"""What people look at and decide: rules and switches, rates, the graph, the bench, a patient, a pack being written."""
