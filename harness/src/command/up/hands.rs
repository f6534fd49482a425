//! What a person does to the device while it runs, by lines on standard input.

use firmproof::bench::Bench;
use tokio::sync::mpsc;

const WORDS: &str = "`power off`, `power on`, `wire cut`, `wire restore`";

/// Obeys each line, and waits for ever once standard input has ended: a device that was started in
/// the background runs on.
pub(super) async fn obey(bench: &Bench) {
    let mut lines = typed();
    while let Some(line) = lines.recv().await {
        match line.trim() {
            "" => {}
            words => match act(bench, words).await {
                Ok(()) => println!("{words}: done"),
                Err(why) => println!("{words}: {why}"),
            },
        }
    }
    std::future::pending().await
}

/// The lines of standard input. Reading blocks, so it has a thread of its own.
fn typed() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

async fn act(bench: &Bench, words: &str) -> Result<(), String> {
    match words {
        "power off" => {
            bench.end().await;
            Ok(())
        }
        "power on" => bench.start().await.map_err(|stop| format!("{stop:?}")),
        "wire cut" => bench.lab().cut().map_err(|error| error.to_string()),
        "wire restore" => bench.lab().restore().map_err(|error| error.to_string()),
        _ => Err(format!("not known; there are {WORDS}")),
    }
}
