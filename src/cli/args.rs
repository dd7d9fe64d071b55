//! What can be typed.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::model::{Surface, Verdict};
use crate::serve::{GrpcListen, Role};

/// Content moderation for Chinese platforms: explained, reproducible, fast.
#[derive(Debug, Parser)]
#[command(name = "qingliu", version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge files of posts, comments and profiles.
    Rescan(RescanArguments),
    /// Answer over HTTP, before something is published.
    Serve(ServeArguments),
    /// Read, check or export the log of decisions.
    Log(LogArguments),
    /// Make, replace, list or end the keys of the service.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Check a configuration of the service, or show all keys.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show groups of accounts that publish the same text.
    Clusters(ClusterArguments),
    /// Judge one text or item and show why.
    Explain(ExplainArguments),
    /// Check a bundle of dictionaries, rules and policy.
    Check(CheckArguments),
    /// Measure precision and recall on labelled items.
    Eval(EvalArguments),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(super) struct RescanArguments {
    /// Inputs: JSONL, CSV or Parquet, also .zst or .gz; patterns such as 'posts/*.jsonl'; - for standard input.
    #[arg(long = "in", required = true, num_args = 1.., value_name = "FILE")]
    pub(super) inputs: Vec<String>,
    /// Where decisions go (JSONL; .zst and .gz by name); - for standard output [default: -, nothing with --diff].
    #[arg(long = "out", value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Where rejected lines go, with line number and reason.
    #[arg(long, value_name = "FILE")]
    pub(super) rejects: Option<PathBuf>,
    /// Where score records of engagement events go, one per target and hour (JSONL; .zst and .gz by name): alerts, those within
    /// reach of one, with --all every one; and rings of accounts at the end.
    #[arg(long, value_name = "FILE")]
    pub(super) scores: Option<PathBuf>,
    /// Where the summary goes, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) summary: Option<PathBuf>,
    /// Print what changes against the decisions of an older run.
    #[arg(long, value_name = "OLD.jsonl")]
    pub(super) diff: Option<PathBuf>,
    /// A bundle directory [default: the dictionaries built into the program].
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
    /// Write decisions of items that pass, too.
    #[arg(long)]
    pub(super) all: bool,
    /// Go on from the checkpoint of an unfinished run.
    #[arg(long, conflicts_with = "restart")]
    pub(super) resume: bool,
    /// Begin anew although there is a checkpoint.
    #[arg(long)]
    pub(super) restart: bool,
    /// Seconds between two checkpoints; 0 for one after every chunk of input.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) checkpoint_seconds: u32,
    /// Exit with 3 when lines were rejected.
    #[arg(long)]
    pub(super) strict: bool,
    /// Worker threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(super) struct ClusterArguments {
    /// Inputs, in any format that rescan reads; - for standard input.
    #[arg(long = "in", required_unless_present = "window", num_args = 1.., value_name = "FILE")]
    pub(super) inputs: Vec<String>,
    /// Instead of inputs, the state that a running or interrupted rescan keeps beside its output: OUT.window-a or OUT.window-b.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inputs", "bundle", "threads"])]
    pub(super) window: Option<PathBuf>,
    /// How many clusters are shown, the strongest first.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(super) top: usize,
    /// Fewest posts of a cluster.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(super) posts_min: u64,
    /// Lowest tier: 0 note, 1 limit reach, 2 review, 3 account proposal.
    #[arg(long, value_name = "TIER", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=3))]
    pub(super) tier_min: u8,
    /// Print JSON with every member instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// Write the graph of accounts and clusters in the language of Graphviz.
    #[arg(long, value_name = "FILE")]
    pub(super) dot: Option<PathBuf>,
    /// Write the graph of accounts and clusters as a drawing.
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,
    /// A bundle directory [default: the dictionaries built into the program].
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
    /// Worker threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The text; - reads it from standard input.
    #[arg(required_unless_present_any = ["item", "score"], value_name = "TEXT")]
    pub(super) text: Option<String>,
    /// A whole item as JSON instead of a text; - reads it from standard input.
    #[arg(long, value_name = "JSON", conflicts_with = "text")]
    pub(super) item: Option<String>,
    /// A score record of the engagement stream instead, as `rescan --scores` writes it: the JSON itself, a file of records (the
    /// first alert in it, or the first record), or - for standard input. The score is computed again from the record alone.
    #[arg(long, value_name = "JSON|FILE", conflicts_with_all = ["text", "item"])]
    pub(super) score: Option<String>,
    /// Which target's record of a file is shown.
    #[arg(long, value_name = "ID", requires = "score")]
    pub(super) target: Option<String>,
    /// Where the text would be shown: article, post, comment, profile or chat.
    #[arg(long, default_value = "post", value_parser = parse_surface, conflicts_with = "item")]
    pub(super) surface: Surface,
    /// Print the decision as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// The language of the reasons.
    #[arg(long, value_enum, default_value_t = Languages::Both)]
    pub(super) lang: Languages,
    /// A bundle directory [default: the dictionaries built into the program].
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Languages {
    /// Chinese.
    Zh,
    /// English.
    En,
    /// One line in each.
    Both,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// A bundle directory [default: the dictionaries built into the program].
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
    /// Ordinary posts to estimate hit rates on: any format that rescan reads, or plain text, one post per line
    /// [default: the benign samples built into the program].
    #[arg(long, value_name = "FILE")]
    pub(super) corpus: Option<String>,
    /// Fail on warnings, too.
    #[arg(long)]
    pub(super) strict: bool,
    /// Warn of weighted terms that hit more ordinary posts than this, per 10,000.
    #[arg(long, value_name = "RATE", default_value_t = 20.0)]
    pub(super) rate_max: f64,
}

#[derive(Debug, Args)]
pub(super) struct EvalArguments {
    /// Labelled items: any format that rescan reads, with a `label` and, optionally, a `source`. Items with a clean
    /// `original` or `normalized` text beside a disguised `text` are also compared, per `method`; they need no label.
    #[arg(required = true, value_name = "FILE")]
    pub(super) inputs: Vec<String>,
    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// A bundle directory [default: the dictionaries built into the program].
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
    /// Worker threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// A configuration file; `qingliu config keys` prints one with all defaults.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<SocketAddr>,
    /// Where to listen for gRPC, or off [default: the port after that of HTTP, or a free one].
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = grpc_listen)]
    pub(super) grpc_listen: Option<GrpcListen>,
    /// Where the log and the keys lie; made when it is not there [default: qingliu-data].
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// A bundle directory [default: the dictionaries built into the program].
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check a configuration file, and the environment with it.
    Check {
        /// The file.
        file: Option<PathBuf>,
    },
    /// Print what holds under a configuration file and the environment, and where each value comes from. Secrets are hidden.
    Show {
        /// The file.
        file: Option<PathBuf>,
    },
    /// Print all keys with their defaults and descriptions, as a configuration file.
    Keys,
    /// Print all keys with their defaults, variables and descriptions, as a page.
    Describe,
}

#[derive(Debug, Args)]
pub(super) struct LogArguments {
    /// The log's directory.
    #[arg(long, value_name = "DIR", default_value = "qingliu-data/log")]
    pub(super) dir: PathBuf,
    /// Check every checksum and the chain instead of reading.
    #[arg(long)]
    pub(super) verify: bool,
    /// A file of anchors, to be kept on another machine: the log is checked against those in it, and its end is added.
    #[arg(long, value_name = "FILE", requires = "verify")]
    pub(super) anchor: Option<PathBuf>,
    /// Take the authors' words out of sealed segments that are older than this (RFC 3339) instead of reading. The chain holds.
    #[arg(long, value_name = "TIME", conflicts_with = "verify")]
    pub(super) purge_before: Option<Timestamp>,
    /// Only records of this time or later (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<Timestamp>,
    /// Only records before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<Timestamp>,
    /// Only this decision.
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
    /// Only decisions on this item.
    #[arg(long, value_name = "ID")]
    pub(super) item: Option<String>,
    /// Only decisions on this account.
    #[arg(long, value_name = "ID")]
    pub(super) account: Option<String>,
    /// Only decisions with this verdict: pass, limit, review or block.
    #[arg(long, value_name = "VERDICT", value_parser = parse_verdict)]
    pub(super) verdict: Option<Verdict>,
    /// Only decisions with this label or one below it.
    #[arg(long, value_name = "LABEL")]
    pub(super) label: Option<String>,
    /// Leave the authors' words out.
    #[arg(long)]
    pub(super) no_text: bool,
    /// Where records go (JSONL; .zst and .gz by name); - for standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(super) export: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key. It is shown once.
    Add {
        /// Who uses it.
        name: String,
        /// What it is for: publisher, operator, reviewer, auditor or admin.
        #[arg(long = "role", required = true, num_args = 1.., value_parser = parse_role)]
        roles: Vec<Role>,
        /// Requests a second [default: no limit].
        #[arg(long, value_name = "N")]
        rate: Option<NonZeroU32>,
        /// Days that it is valid [default: until it is revoked].
        #[arg(long, value_name = "N")]
        days: Option<u32>,
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Make a key in place of another, which stays valid for a while.
    Rotate {
        /// The key's id: the eight digits behind `ql_`.
        id: String,
        /// Hours that the old key stays valid.
        #[arg(long, value_name = "N", default_value_t = 24)]
        grace_hours: u32,
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Show all keys without their secrets.
    List {
        #[command(flatten)]
        place: KeyPlace,
    },
    /// End a key now.
    Revoke {
        /// The key's id: the eight digits behind `ql_`.
        id: String,
        #[command(flatten)]
        place: KeyPlace,
    },
}

#[derive(Debug, Args)]
pub(super) struct KeyPlace {
    /// The service's data directory.
    #[arg(long, value_name = "DIR", default_value = "qingliu-data")]
    pub(super) data: PathBuf,
}

fn parse_verdict(name: &str) -> Result<Verdict, String> {
    let names = Verdict::ALL.map(Verdict::as_str);
    let found = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == name);
    found.ok_or_else(|| {
        format!("expected one of {}{}", names.join(", "), crate::lexicon::suggestion(name, names))
    })
}

fn parse_role(name: &str) -> Result<Role, String> {
    let names = Role::ALL.map(Role::as_str);
    Role::parse(name).ok_or_else(|| {
        format!("expected one of {}{}", names.join(", "), crate::lexicon::suggestion(name, names))
    })
}

fn parse_surface(name: &str) -> Result<Surface, String> {
    Surface::parse(name).ok_or_else(|| {
        let names = Surface::ALL.map(Surface::as_str);
        format!("expected one of {}{}", names.join(", "), crate::lexicon::suggestion(name, names))
    })
}

fn grpc_listen(text: &str) -> Result<GrpcListen, String> {
    GrpcListen::parse(text).ok_or_else(|| "expected ADDRESS:PORT, auto or off".to_owned())
}
