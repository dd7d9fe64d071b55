//! Has the program built anew when a dictionary was added, changed or removed: they are part of it.
#![allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=dictionaries");
}
