//! Views of a result, for people and for other programs.

pub mod benchmark;
pub mod comparison;
mod escape;
pub mod fields;
pub mod history;
pub mod html;
pub mod junit;
pub mod ladder;
pub mod markdown;
pub mod style;
pub mod summary;
pub mod tap;

pub use escape::printable;
