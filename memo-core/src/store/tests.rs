//! What is the same for all stores.

mod golden;
