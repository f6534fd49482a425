//! `firmproof rig console`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use firmproof::case::Stop;
use firmproof::run::judge::bench;

use super::{Outcome, Which, runtime, setup, take};

#[derive(Args)]
#[command(
    after_help = "Example:\n  firmproof rig console --rig fixtures/rig.example.toml --board left\n\n\
    The board starts with the configuration that a case starts from: no broker, no time server."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let (_, boards) = arguments.which.boards()?;
    let [board] = boards.as_slice() else {
        let names: Vec<&str> = boards.iter().map(|board| board.name.as_str()).collect();
        return Err(format!("one board at a time: --board takes {}", names.join(" or ")).into());
    };
    let _mine = take(board)?;
    let scratch = tempfile::tempdir()?;
    let setup = setup(board, &scratch)?;
    runtime()?.block_on(async {
        let bench = bench(&setup, *setup.folder.seed())?;
        let shown = show(&bench);
        tokio::select! {
            stop = shown => stop?,
            _ = tokio::signal::ctrl_c() => {}
        }
        bench.end().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Shows the console until the board is gone.
async fn show(bench: &firmproof::bench::Bench) -> Result<(), String> {
    bench.power_on().await.map_err(Stop::told)?;
    let console = &bench.evidence().console;
    let mut mark = 0;
    loop {
        let more = console.wait(mark, Duration::from_millis(200), |_| true);
        if more.await.is_some() {
            for line in console.since(mark) {
                let text = bench.evidence().secrets.masked(&line.text);
                println!("{}", text.escape_debug());
                mark += 1;
            }
        } else if let Some(how) = bench.ended().await {
            return Err(format!("the board is gone: {how}"));
        }
    }
}
