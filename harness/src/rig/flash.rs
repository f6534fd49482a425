//! Puts a board's image where the board boots from: the flash of a real one; for an emulated one a
//! file of its own, which stays what it is until it is placed again.

use std::path::{Path, PathBuf};

use super::board::Board;
use crate::dut::{self, DutError, availability};
use crate::profile::Kind;

/// Where emulated boards keep their images, unless told otherwise.
pub const IMAGES: &str = "target/firmproof/rig";

/// Flashes the board. `images` is where emulated boards keep theirs.
///
/// # Errors
/// What is wrong, with the board's name.
pub async fn flash(board: &Board, images: &Path) -> Result<(), String> {
    match &board.seat {
        Some(seat) => {
            let mut probe = dut::Probe::new(seat.wiring.clone());
            probe.flash().await.map_err(|error| error.to_string())
        }
        None => {
            // It may have to be built first, which takes a while.
            let (board, images) = (board.clone(), images.to_path_buf());
            let placed = tokio::task::spawn_blocking(move || place(&board, &images));
            placed.await.map_err(|error| error.to_string())?
        }
    }
}

/// The image of an emulated board.
pub fn image(board: &Board, images: &Path) -> PathBuf {
    images.join(&board.name).join("image")
}

/// Whether an emulated board has an image; a real one may have any.
pub fn has_image(board: &Board, images: &Path) -> bool {
    board.seat.is_some() || image(board, images).is_file()
}

fn place(board: &Board, images: &Path) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| {
        format!("board {}: {}: {error}", board.name, path.display())
    };
    let source = match board.profile.kind {
        Kind::Qemu => {
            let mut profile = board.profile.clone();
            let here = std::env::current_dir().unwrap_or_default();
            availability::prepare(&mut profile, &here, &|news| eprintln!("{news}"))
                .map_err(|lacking| format!("board {}: {lacking}", board.name))?;
            let image = profile.qemu.elf;
            image.ok_or_else(|| format!("board {}: {}", board.name, DutError::NoImage))?
        }
        _ => board
            .profile
            .host_program()
            .map_err(|error| failed(Path::new("this program"), error))?,
    };
    let image = image(board, images);
    let folder = images.join(&board.name);
    std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
    let new = folder.join(format!("image.{}", std::process::id()));
    let placed = std::fs::hard_link(&source, &new)
        .or_else(|_| std::fs::copy(&source, &new).map(drop))
        .and_then(|()| std::fs::rename(&new, &image));
    // Two links to one file are left as they are by a rename.
    let _ = std::fs::remove_file(&new);
    placed.map_err(|error| failed(&source, error))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dut::probe::{NoProbes, Probes};
    use crate::rig::Rig;

    #[tokio::test]
    async fn an_emulated_board_keeps_its_image_when_the_source_changes() {
        let folder = tempfile::tempdir().unwrap();
        let elf = folder.path().join("device.elf");
        let profile = folder.path().join("q.toml");
        std::fs::write(
            &profile,
            format!(
                "name = \"q\"\nkind = \"qemu\"\ncapabilities = []\n[qemu]\nelf = \"{}\"\n",
                elf.display()
            ),
        )
        .unwrap();
        let text = format!(
            "[[board]]\nname = \"b\"\nprofile = \"{}\"\n",
            profile.display()
        );
        let rig = Rig::parse(&text, Path::new("rig.toml")).unwrap();
        let probes: Arc<dyn Probes> = Arc::new(NoProbes);
        let board = Board::of(&rig, &rig.boards[0], &probes, &|_| None).unwrap();
        let images = folder.path().join("images");
        let missing = flash(&board, &images).await.unwrap_err();
        assert!(missing.starts_with("board b: "), "{missing}");
        assert!(missing.contains("device.elf"), "{missing}");
        assert!(!has_image(&board, &images));

        std::fs::write(&elf, "first").unwrap();
        flash(&board, &images).await.unwrap();
        // As cargo does it: a new file in place of the old one.
        std::fs::remove_file(&elf).unwrap();
        std::fs::write(&elf, "second").unwrap();
        let read = || std::fs::read_to_string(image(&board, &images)).unwrap();
        assert_eq!(read(), "first");
        flash(&board, &images).await.unwrap();
        assert_eq!(read(), "second");
    }
}
