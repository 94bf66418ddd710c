//! What the walked instructions are: decoded, named, and put into zones.
//!
//! 1. [`image`] reads the symbols of the program and of the libraries it maps.
//! 2. [`facts`] says what an instruction reads and writes.
//! 3. [`place`] names its function and source line and decides whose code it is.
//! 4. [`whereabouts`] follows a thread into handlers and out of them.

pub mod facts;
pub mod image;
pub mod operands;
pub mod place;
pub mod whereabouts;
