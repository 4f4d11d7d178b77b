//! What is wrong with a request for a job.

/// What is wrong with a request: the field, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field.
    pub field: String,
    /// What is wrong and what is allowed.
    pub error: String,
}

pub(super) fn wrong(field: &str, error: impl Into<String>) -> Wrong {
    Wrong { field: field.to_owned(), error: error.into() }
}
