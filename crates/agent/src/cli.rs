//! Command line of `infiniservice`.
