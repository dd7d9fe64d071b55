//! A service of its own for each test, and the simplest client.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Place, Run, finish};

/// A running service in a place.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) grpc: SocketAddr,
    child: Option<Child>,
    _stdout: BufReader<ChildStdout>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Served {
    /// Starts a service with the small bundle on a free port.
    pub(crate) fn start(place: &Place, arguments: &str) -> Self {
        let serve = format!("serve --listen 127.0.0.1:0 --data data --bundle bundle {arguments}");
        Self::begin(place.command(&serve))
    }

    /// Starts a service with the shipped bundle on a free port.
    pub(crate) fn start_shipped(place: &Place, arguments: &str) -> Self {
        Self::begin(place.command(&format!("serve --listen 127.0.0.1:0 --data data {arguments}")))
    }

    /// The same on a disk on which no file may be longer than so many KiB: a write beyond that fails.
    pub(crate) fn start_on_full_disk(place: &Place, file_kib_max: u32) -> Self {
        let program = env!("CARGO_BIN_EXE_qingliu");
        let serve = format!("exec {program} serve --listen 127.0.0.1:0 --data data --bundle bundle");
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("trap '' XFSZ; ulimit -S -f {}; {serve}", file_kib_max * 2));
        command
            .current_dir(place.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self::begin(command)
    }

    pub(crate) fn begin(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut lines = ["", "", ""].map(str::to_owned);
        for line in &mut lines {
            stdout.read_line(line).expect("a line");
        }
        let parse = |line: &str, before| line.split(before).nth(1)?.split(',').next()?.parse().ok();
        let (Some(address), Some(grpc)) = (parse(&lines[0], "://"), parse(&lines[2], "gRPC on ")) else {
            panic!("{lines:?}: {:?}", finish(child));
        };
        Self { address, grpc, child: Some(child), _stdout: stdout }
    }

    /// Gives the disk of a service that was started on a full one room again.
    pub(crate) fn give_room(&self) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
        assert!(done.expect("prlimit is there").success());
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    pub(crate) fn check(&self, body: &str) -> Reply {
        self.client().post("/v1/check", body, &[])
    }

    /// Ends the service without warning.
    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Asks the service to end, and waits for it.
    pub(crate) fn stop(mut self) -> Run {
        let child = self.child.take().expect("it runs");
        terminate(&child);
        finish(child)
    }

    /// Waits for a service that has been asked to end, or asks it.
    pub(crate) fn stop_quietly(mut self) {
        let mut child = self.child.take().expect("it runs");
        terminate(&child);
        assert!(child.wait().expect("it ends").success());
    }

    pub(crate) fn terminate(&self) {
        terminate(self.child.as_ref().expect("it runs"));
    }

    /// The records of the log, as `qingliu log` prints them.
    pub(crate) fn log(place: &Place, arguments: &str) -> Vec<Value> {
        let run = place.run(&format!("log --dir data/log {arguments}")).expect(0, &[]);
        crate::common::json_lines(&run.stdout)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn terminate(child: &Child) {
    // One that has ended already cannot be asked.
    let _ = Command::new("kill").arg(child.id().to_string()).output().expect("kill is there");
}

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a time limit");
        stream.set_nodelay(true).expect("an option");
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.request("GET", path, headers, b"")
    }

    pub(crate) fn post(&mut self, path: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.request("POST", path, &all, body.as_bytes())
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.send(method, path, headers, body);
        self.receive().expect("a reply")
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            head.push_str("host: test\r\n");
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").expect("a string takes all");
        }
        head.push_str("\r\n");
        // A service that refuses early may have closed the connection; its reply is what counts.
        let _ = self.stream.get_mut().write_all(&[head.as_bytes(), body].concat());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// The next reply; none if the connection was closed before a whole one.
    pub(crate) fn receive(&mut self) -> Option<Reply> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok()?;
        let status = line.split_whitespace().nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0)];
        self.stream.read_exact(&mut body).ok()?;
        Some(Reply { status, headers, body })
    }
}
