//! A cluster as people look at it.

use serde::Serialize;

use super::cluster::{Cluster, Member};
use super::rarity::core_runs;
use super::tier::Assessment;

/// One cluster with everything that is kept of it.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterReport {
    /// Its id.
    #[serde(serialize_with = "as_hex")]
    pub id: u64,
    /// All posts.
    pub posts: u64,
    /// Distinct accounts.
    pub accounts: u32,
    /// Posts that repeated it and said so.
    pub reposts: u64,
    /// Event time of the first and the last post, ms since 1970.
    pub first_ms: i64,
    /// See `first_ms`.
    pub last_ms: i64,
    /// The common text; what differs from post to post stands as `〔…〕`. In a cluster by contact or by target, the text of one post.
    pub core: String,
    /// What it has earned, and why.
    #[serde(flatten)]
    pub assessment: Assessment,
    /// Its posts in the order of arrival; the first ones where there are very many.
    pub members: Vec<Member>,
}

impl ClusterReport {
    pub(super) fn new(cluster: &Cluster) -> Self {
        Self {
            id: cluster.id,
            posts: cluster.posts,
            accounts: cluster.accounts(),
            reposts: cluster.reposts,
            first_ms: cluster.first_ms,
            last_ms: cluster.last_ms,
            core: if cluster.is_by_text() {
                core_runs(&cluster.text, |gram| cluster.has_in_core(gram))
            } else {
                cluster.text.clone()
            },
            assessment: Assessment::clone(&cluster.assessment),
            members: cluster.members.clone(),
        }
    }
}

/// How cluster ids are written: `c` and sixteen hexadecimal digits.
pub fn cluster_name(id: u64) -> String {
    format!("c{id:016x}")
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn as_hex<S: serde::Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&cluster_name(*id))
}
