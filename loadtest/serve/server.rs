//! A service of one's own: a child process with a fresh data directory.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use tempfile::TempDir;

/// What is started.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// The service, with the arguments that follow `serve`.
    Service { binary: PathBuf, arguments: Vec<String> },
    /// The empty handler, which is in this program.
    Empty,
}

/// A process that serves.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Option<(Child, BufReader<ChildStdout>)>,
    program: Program,
    dir: TempDir,
}

/// How a process is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is asked to (SIGTERM), and waited for.
    Asked,
    /// Without warning (SIGKILL).
    Killed,
}

/// Clock ticks a second in `/proc`, on every Linux that there is.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE_BYTES: u64 = 4096;

impl Server {
    /// Starts a process and waits until it listens.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn start(program: Program) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { address, process: None, program, dir };
        server.start_again()?;
        Ok(server)
    }

    /// Starts the process again, on the same port and data.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        let listen = self.address.to_string();
        let mut command = match &self.program {
            Program::Service { binary, arguments } => {
                let mut command = Command::new(binary);
                command.args(["serve", "--listen", &listen, "--data"]).arg(self.data()).args(arguments);
                command
            }
            Program::Empty => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["empty-handler", "--listen", &listen]);
                command
            }
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", command.get_program().display()))?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(|| anyhow!("no output"))?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.split("http://").nth(1).and_then(|rest| rest.split([',', '\n', ' ']).next());
        let address = address.and_then(|address| address.parse().ok());
        self.process = Some((child, stdout));
        self.address = address.with_context(|| format!("the service said {line:?}"))?;
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Ends the process.
    ///
    /// # Errors
    /// It was asked to end and did not end in order.
    pub(crate) fn end(&mut self, how: End) -> Result<()> {
        let Some((mut child, _stdout)) = self.process.take() else { return Ok(()) };
        match how {
            End::Killed => {
                child.kill()?;
                child.wait()?;
            }
            End::Asked => {
                let asked = Command::new("kill").arg(child.id().to_string()).status()?;
                ensure!(asked.success(), "the process cannot be asked to end");
                let ended = child.wait()?;
                ensure!(ended.success(), "the service ended with {ended}");
            }
        }
        Ok(())
    }

    /// The log of decisions, a line of JSON for each record, without texts.
    ///
    /// # Errors
    /// The program fails, or the log is damaged.
    pub(crate) fn log(&self) -> Result<Vec<u8>> {
        let Program::Service { binary, .. } = &self.program else { return Ok(Vec::new()) };
        let mut command = Command::new(binary);
        command.args(["log", "--no-text", "--dir"]).arg(self.data().join("log"));
        let output = command.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "`qingliu log` ended with {}", output.status);
        Ok(output.stdout)
    }

    /// Resident memory, bytes; 0 if there is no process.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.statm().as_deref().map_or(0, resident_bytes)
    }

    /// The file that tells how much memory the process has.
    pub(crate) fn statm(&self) -> Option<PathBuf> {
        let (child, _) = self.process.as_ref()?;
        Some(format!("/proc/{}/statm", child.id()).into())
    }

    /// Processor time so far.
    pub(crate) fn processor_time(&self) -> Duration {
        let ticks = self.proc("stat").and_then(|all| {
            // The name, in brackets, may hold blanks.
            let mut fields = all.rsplit(')').next()?.split_whitespace().skip(11);
            let (user, system) = (fields.next()?, fields.next()?);
            Some(user.parse::<f64>().ok()? + system.parse::<f64>().ok()?)
        });
        Duration::from_secs_f64(ticks.unwrap_or(0.0) / TICKS_PER_SECOND)
    }

    fn proc(&self, file: &str) -> Option<String> {
        let (child, _) = self.process.as_ref()?;
        fs::read_to_string(format!("/proc/{}/{file}", child.id())).ok()
    }
}

/// Resident memory that a file of [`Server::statm`] tells, bytes; 0 when there is none.
pub(crate) fn resident_bytes(statm: &Path) -> u64 {
    let all = fs::read_to_string(statm).unwrap_or_default();
    let pages = all.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody needs it any more, in whatever state it is.
        let _ = self.end(End::Killed);
    }
}
