//! Has the program built anew when a dictionary was added, changed or removed: they are part of it. Compiles the description
//! of the gRPC service.
#![allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=dictionaries");
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["qingliu/v1/qingliu.proto"], ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // For reflection: what is described is what was compiled.
    std::fs::write(out.join("qingliu.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_transport(false)
        // The same message gives the same bytes.
        .btree_map(".")
        .boxed(".qingliu.v1.CheckRequest.input.item")
        .codec_path("crate::serve::grpc::codec::BoundedCodec")
        .compile_fds(descriptors)?;
    Ok(())
}
