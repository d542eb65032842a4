//! What tests with processes and servers share.

pub(crate) use crate::processes::AGES;
pub(crate) use crate::waiting::{random, random_below, until};
