//! The virtual machine in which the agent is tested.
