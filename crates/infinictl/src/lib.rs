//! Client library: the host end of the wire.
