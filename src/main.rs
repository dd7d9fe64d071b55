//! The command line. Everything that it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use qingliu::cli::{Arguments, run};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // A bad option ends here with exit code 2.
    run(Arguments::parse())
}
