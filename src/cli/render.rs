//! Text for a terminal. The one place that prints.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};

use crate::decide::is_invisible;
use crate::model::{ByteSpan, Verdict};

/// What the first line failed with that could not be printed.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

/// Prints a line to standard output. A reader that went away ends the output, not the program; any other failure is told
/// by [`failure`] at the end.
pub(super) fn line(text: &str) {
    if let Err(e) = writeln!(anstream::stdout(), "{text}")
        && e.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = FAILURE.set(e);
    }
}

/// Why a line could not be printed, if one could not.
pub(super) fn failure() -> Option<&'static io::Error> {
    FAILURE.get()
}

/// Prints text to standard output as it is.
pub(super) fn raw(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Prints a line to standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints an error.
pub(super) fn error(text: &str) {
    let style = AnsiColor::Red.on_default().bold();
    note(&format!("{style}error{style:#}: {}", harmless(text)));
}

/// The colour of a verdict.
pub(super) fn style_of(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Limit => AnsiColor::Cyan,
        Verdict::Review => AnsiColor::Yellow,
        Verdict::Block => AnsiColor::Red,
    };
    color.on_default().bold()
}

/// A text with some of its bytes set off; control characters become visible.
pub(super) fn highlight(text: &str, spans: &[ByteSpan]) -> String {
    let style = AnsiColor::Red.on_default().bold().underline();
    let is_marked = |byte: usize| spans.iter().any(|s| (s.start as usize..s.end as usize).contains(&byte));
    let (mut out, mut inside) = (String::with_capacity(text.len()), false);
    for (byte, c) in text.char_indices() {
        let marked = is_marked(byte);
        if marked != inside {
            out.push_str(&if marked { style.render().to_string() } else { style.render_reset().to_string() });
            inside = marked;
        }
        match c {
            '\n' => out.push('\n'),
            c if c.is_control() || is_invisible(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "<{:04X}>", u32::from(c));
            }
            c => out.push(c),
        }
    }
    if inside {
        out.push_str(&style.render_reset().to_string());
    }
    out
}

/// A name or a message without what would command the terminal.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if (c.is_control() && c != '\n') || is_invisible(c) { '\u{FFFD}' } else { c })
        .collect()
}
