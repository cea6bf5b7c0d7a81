//! Room for recursion.
//!
//! Trees are walked by recursion. How deep they are is limited beforehand, but a thread may have less stack than that
//! takes: those of rayon and of tests have 2 MB, and a build without optimisation needs several times what one with it
//! does.

/// More than the deepest tree takes in any build.
const ENOUGH: usize = 16 << 20;

/// The stack of a thread in which nothing has to grow. It is address space: memory is only what is used of it.
pub const OF_THREAD: usize = 4 * ENOUGH;

/// Runs what walks trees, on a stack of its own where this thread's is too small.
pub fn enough<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ENOUGH, 2 * ENOUGH, run)
}
