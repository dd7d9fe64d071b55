//! Clusters and their accounts as a graph, for people to look at.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::coordination::{ClusterReport, cluster_name};
use crate::decide::is_invisible;

/// Most accounts of one cluster that are drawn.
const ACCOUNTS_DRAWN: usize = 60;
/// Characters of the common text beside a cluster.
const CORE_CHARS: usize = 24;
/// Height of a row and place of the two columns of the drawing, in pixels.
const ROW: usize = 18;
const CLUSTER_X: usize = 360;
const ACCOUNT_X: usize = 640;

/// Clusters and the accounts that wrote in them, in the language of Graphviz.
pub fn dot_graph(clusters: &[ClusterReport]) -> String {
    let mut out = String::from("graph clusters {\n  rankdir=LR;\n  node [shape=box];\n");
    for cluster in clusters {
        let name = cluster_name(cluster.id);
        let label = format!("{name}\\n{} accounts\\n{}", cluster.accounts, escaped(&core(cluster)));
        let _ = writeln!(
            out,
            "  \"{name}\" [label=\"{label}\", style=filled, fillcolor=\"{}\"];",
            color(cluster)
        );
        for (account, posts) in accounts(cluster) {
            let account = escaped(account);
            let _ = writeln!(out, "  \"a:{account}\" [label=\"{account}\", shape=ellipse];");
            let _ = writeln!(out, "  \"{name}\" -- \"a:{account}\" [penwidth={}];", posts.min(5));
        }
    }
    out.push_str("}\n");
    out
}

/// The same as a drawing in two columns.
pub fn svg_graph(clusters: &[ClusterReport]) -> String {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (account, _) in clusters.iter().flat_map(accounts) {
        rows.entry(account).or_insert_with(|| {
            order.push(account);
            order.len()
        });
    }
    let height = (order.len().max(clusters.len() * 3) + 2) * ROW;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n"
    );
    let space = height / (clusters.len() + 1);
    for (index, cluster) in clusters.iter().enumerate() {
        let y = (index + 1) * space;
        for (account, posts) in accounts(cluster) {
            let to = rows[account] * ROW;
            let _ = writeln!(
                out,
                "<line x1=\"{CLUSTER_X}\" y1=\"{y}\" x2=\"{ACCOUNT_X}\" y2=\"{to}\" stroke=\"#888\" stroke-width=\"{}\"/>",
                posts.min(5)
            );
        }
        let (x, fill) = (CLUSTER_X - 10, color(cluster));
        let _ = writeln!(out, "<circle cx=\"{CLUSTER_X}\" cy=\"{y}\" r=\"7\" fill=\"{fill}\"/>");
        let text = format!("{} · {} · {}", cluster_name(cluster.id), cluster.accounts, core(cluster));
        let _ =
            writeln!(out, "<text x=\"{x}\" y=\"{}\" text-anchor=\"end\">{}</text>", y + 4, escaped(&text));
    }
    for account in order {
        let y = rows[account] * ROW;
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\">{}</text>", ACCOUNT_X + 6, y + 4, escaped(account));
    }
    out.push_str("</svg>\n");
    out
}

/// Accounts among the kept members with their posts, most posts first.
fn accounts(cluster: &ClusterReport) -> Vec<(&str, usize)> {
    let mut posts: BTreeMap<&str, usize> = BTreeMap::new();
    for member in cluster.members.iter().filter(|member| !member.account.is_empty()) {
        *posts.entry(&member.account).or_default() += 1;
    }
    let mut accounts: Vec<(&str, usize)> = posts.into_iter().collect();
    accounts.sort_by_key(|(account, posts)| (std::cmp::Reverse(*posts), *account));
    accounts.truncate(ACCOUNTS_DRAWN);
    accounts
}

fn core(cluster: &ClusterReport) -> String {
    cluster.core.chars().take(CORE_CHARS).collect()
}

fn color(cluster: &ClusterReport) -> &'static str {
    ["#d9d9d9", "#9ecae1", "#fdae6b", "#fb6a4a"][usize::from(u8::from(cluster.assessment.tier))]
}

/// Ids and texts are the authors' own: nothing in them may end a string or a tag, or command a viewer.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\\' => out.push('/'),
            c if c.is_control() || is_invisible(c) || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {
                out.push('\u{FFFD}');
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_in_a_text_ends_a_string_or_a_tag() {
        assert_eq!(escaped("a\"];<b>\\\n&"), "a&quot;];&lt;b&gt;/\u{FFFD}&amp;");
    }
}
