//! A place on disk with a small bundle, and runs of the program in it.

#![allow(dead_code, reason = "each test program uses a part of this")]

pub(crate) mod engagement;

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use qingliu::telemetry::Clock;
use serde_json::Value;
use tempfile::TempDir;

/// Terms of the small bundle: the first is gambling, the second fraud; either alone gives `review`.
pub(crate) const TERMS: &str = r#"severity = "medium"
terms = [
  { id = "g.1", text = "真人荷官", label = "gambling.platform", weight = 1000 },
  { id = "f.1", text = "刷单返利", label = "fraud.brushing_jobs", weight = 1000 },
]
"#;

/// A directory of its own with a small bundle in `bundle/`. Runs happen inside it, so that all names are relative.
pub(crate) struct Place {
    dir: TempDir,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit code; none after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        place.bundle("bundle", TERMS);
        place
    }

    /// Makes a bundle that has one file of terms and takes the rest from the shipped one.
    pub(crate) fn bundle(&self, name: &str, terms: &str) {
        for file in ["taxonomy.toml", "articles.toml", "policy.toml", "slots.toml"] {
            let text = fs::read(shipped_dictionaries().join(file)).expect("a shipped file");
            self.write(&format!("{name}/{file}"), text);
        }
        self.write(&format!("{name}/lexicon/terms.toml"), terms);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("UTF-8")
    }

    /// The JSON lines of a file.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        json_lines(&self.text(name))
    }

    /// `(line, reason)` of every record of a rejects file.
    pub(crate) fn rejects(&self, name: &str) -> Vec<(u64, String)> {
        let rejects = self.lines(name);
        rejects.iter().map(|r| (r["line"].as_u64().expect("a line"), string(&r["reason"]))).collect()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// `qingliu rescan` with the small bundle.
    pub(crate) fn rescan(&self, arguments: &str) -> Run {
        self.run(&format!("rescan --bundle bundle {arguments}"))
    }

    /// `qingliu rescan` with the small bundle, reading `input`.
    pub(crate) fn rescan_stdin(&self, arguments: &str, input: &[u8]) -> Run {
        self.write("stdin.tmp", input);
        let mut command = self.command(&format!("rescan --bundle bundle {arguments}"));
        command.stdin(fs::File::open(self.path("stdin.tmp")).expect("the input"));
        finish(command.spawn().expect("the program starts"))
    }

    /// Any command; arguments are separated by blanks.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        finish(self.command(arguments).spawn().expect("the program starts"))
    }

    /// A command with its outputs piped.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qingliu"));
        command.args(arguments.split_whitespace()).current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What is meant for the tests is no configuration of the program.
        std::env::vars().filter(|(name, _)| name.starts_with("QINGLIU_")).for_each(|(name, _)| {
            command.env_remove(name);
        });
        command
    }
}

impl Run {
    /// Checks the exit code and that standard error says every one of `parts`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing in {}", self.stderr);
        }
        self
    }
}

/// Waits for a program. However it ends, it must not have panicked.
#[track_caller]
pub(crate) fn finish(child: Child) -> Run {
    let output = child.wait_with_output().expect("an exit status");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{stderr}");
    Run { code: output.status.code(), stdout: String::from_utf8_lossy(&output.stdout).into_owned(), stderr }
}

/// Looks again and again until something holds; fails the test after a minute.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let clock = Clock::start();
    while !holds() {
        assert!(clock.elapsed() < Duration::from_mins(1), "still no {what}");
        std::thread::yield_now();
    }
}

pub(crate) fn shipped_dictionaries() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/dictionaries"))
}

pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

pub(crate) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned()
}

/// The `item` of every decision.
pub(crate) fn items(decisions: &[Value]) -> Vec<String> {
    decisions.iter().map(|decision| string(&decision["item"])).collect()
}

/// `count` posts, one a line; every `every`th is gambling. Ids are `p0`, `p1` …
pub(crate) fn posts(count: usize, every: usize) -> String {
    let text = |n: usize| {
        if n.is_multiple_of(every) {
            "真人荷官在线发牌"
        } else {
            "今天天气很好，我们去公园散步"
        }
    };
    let mut lines = String::new();
    for n in 0..count {
        writeln!(lines, "{{\"id\":\"p{n}\",\"text\":\"{} {n}\"}}", text(n)).expect("a string takes all");
    }
    lines
}

pub(crate) fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 1).expect("compressed bytes")
}

pub(crate) fn unzstd(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(bytes).expect("whole frames")
}

pub(crate) fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes.as_ref(), flate2::Compression::fast());
    encoder.read_to_end(&mut compressed).expect("compressed bytes");
    compressed
}

pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).expect("whole members");
    plain
}

/// A Parquet file with the columns `id`, `text` and `account { id }`.
pub(crate) fn parquet(rows: &[[&str; 3]]) -> Vec<u8> {
    let schema = "message posts { REQUIRED BYTE_ARRAY id (UTF8); REQUIRED BYTE_ARRAY text (UTF8);
        REQUIRED GROUP account { REQUIRED BYTE_ARRAY id (UTF8); } }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("a writer");
    let mut group = file.next_row_group().expect("a row group");
    let mut index = 0;
    while let Some(mut column) = group.next_column().expect("a column") {
        let cells: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(row[index])).collect();
        column.typed::<ByteArrayType>().write_batch(&cells, None, None).expect("cells");
        column.close().expect("a column's end");
        index += 1;
    }
    group.close().expect("a row group's end");
    file.into_inner().expect("a footer")
}
