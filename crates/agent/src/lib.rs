//! The InfiniService guest agent.
