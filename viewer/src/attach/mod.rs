//! Our layer on functions: what changes is planned here and carried out by [`crate::aws`].

pub mod function;
pub mod instrument;
pub mod plan;
pub mod policy;
