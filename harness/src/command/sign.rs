//! `firmproof sign`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use firmproof::update_key::UpdateKey;

use super::Outcome;

/// The key of `up` and `sign`, unless told otherwise.
pub(super) const DEFAULT_KEY: &str = "target/firmproof/update.key";

#[derive(Args)]
#[command(
    after_help = "Example:\n  firmproof sign image.bin --version 2 --url http://192.0.2.1:8000/image.bin |\n    \
    curl -H 'Authorization: Bearer TOKEN' --json @- http://127.0.0.1:8080/api/update"
)]
pub(super) struct Arguments {
    /// The image
    image: PathBuf,
    /// Its version: the device takes only a newer one than it runs
    #[arg(long)]
    version: u32,
    /// Where the device is to download it
    #[arg(long)]
    url: String,
    /// The key; made when it is not there
    #[arg(long, value_name = "FILE", default_value = DEFAULT_KEY)]
    key: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let image = std::fs::read(&arguments.image)
        .map_err(|error| format!("{}: {error}", arguments.image.display()))?;
    let key = UpdateKey::read_or_make(&arguments.key)?;
    let offer = key.offer(&image, arguments.version, &arguments.url)?;
    println!("{offer}");
    Ok(ExitCode::SUCCESS)
}
