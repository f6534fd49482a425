//! Linker scripts, as esp-generate lays them out.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // embedded-test's macro asks for it.
    println!("cargo:rustc-check-cfg=cfg(rust_analyzer)");
    // With neither chip's feature this is the portable part on a laptop.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    println!("cargo:rustc-link-arg-tests=-Tembedded-test.x");
    // linkall.x must be the last linker script.
    println!("cargo:rustc-link-arg=-Tlinkall.x");
}
