//! What a recording becomes.
