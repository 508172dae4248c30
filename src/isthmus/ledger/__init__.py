"""What can be proved to others: a tamper-evident log that several organisations watch, and identifiers that resolve.

It is a transparency log (RFC 9162 Merkle tree, C2SP tiles, checkpoints and cosignatures), not a blockchain: one
writer appends, and no one votes on order. Whoever alters, removes or reorders an entry, or shows two histories to two
people, is found out by anybody who holds a checkpoint, as long as a quorum of the witnesses is honest. It does not
prevent a writer from refusing to write. Entries hold hashes and identifiers, never data. `verify` checks it all and
shares no code with the rest of the room.
"""
