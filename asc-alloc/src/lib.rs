//! A general-purpose allocator whose memory handlers can be run twice on.

mod allocator;
mod domain;
mod heap;
pub mod page;
mod size_class;
mod statistics;
mod stop;
mod sys;

pub use allocator::AscAlloc;
pub use domain::ProtectedScope;
pub use statistics::{SpanStatistics, Statistics, statistics};
