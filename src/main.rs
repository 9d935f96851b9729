//! The `statusgap` binary: parse, run, exit code; nothing else.

use clap::Parser as _;

use statusgap::cli::serve::{self, ServeArgs};

#[derive(clap::Parser)]
#[command(version, about)]
enum Cli {
    /// Serve the reference service until interrupted
    Serve(ServeArgs),
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let Cli::Serve(args) = Cli::parse();
    serve::run(args).await
}
