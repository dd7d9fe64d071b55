//! The taxonomy: a two-level tree of labels with stable ids.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

/// Index of a label in its [`Taxonomy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelId(pub u16);

/// One category, as `taxonomy.toml` has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Stable id: `root` or `root.child`.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// One English sentence.
    #[serde(default)]
    pub describe: String,
    /// One Chinese sentence.
    #[serde(default)]
    pub describe_zh: String,
    /// Vendor → that vendor's label names.
    #[serde(default)]
    pub maps: BTreeMap<String, Vec<String>>,
}

/// All labels of a bundle.
#[derive(Clone, Debug)]
pub struct Taxonomy {
    labels: Vec<Label>,
    roots: Vec<LabelId>,
    by_id: HashMap<String, LabelId>,
}

/// Why a taxonomy is refused.
#[derive(Debug, thiserror::Error)]
pub enum TaxonomyError {
    /// The same id twice.
    #[error("label {0:?} is defined twice")]
    Duplicate(String),
    /// A child whose root is not defined.
    #[error("label {id:?} needs a label {root:?} above it")]
    Orphan {
        /// The child.
        id: String,
        /// The missing root.
        root: String,
    },
    /// An id with three levels, none, or other characters than `a-z0-9_`.
    #[error("label id {0:?} must be `root` or `root.child` in lower-case letters, digits and underscores")]
    BadId(String),
    /// More labels than an index can hold.
    #[error("more than 65,535 labels")]
    TooMany,
}

impl Taxonomy {
    /// Checks and indexes labels.
    ///
    /// # Errors
    /// A malformed, duplicate or orphaned id.
    pub fn new(labels: Vec<Label>) -> Result<Self, TaxonomyError> {
        let mut by_id = HashMap::with_capacity(labels.len());
        for (index, label) in labels.iter().enumerate() {
            check_id(&label.id)?;
            let index = u16::try_from(index).map_err(|_| TaxonomyError::TooMany)?;
            if by_id.insert(label.id.clone(), LabelId(index)).is_some() {
                return Err(TaxonomyError::Duplicate(label.id.clone()));
            }
        }
        let mut roots = Vec::with_capacity(labels.len());
        for label in &labels {
            let root = root_of(&label.id);
            let root_id = by_id
                .get(root)
                .ok_or_else(|| TaxonomyError::Orphan { id: label.id.clone(), root: root.to_owned() })?;
            roots.push(*root_id);
        }
        Ok(Self { labels, roots, by_id })
    }

    /// The label of an id.
    pub fn find(&self, id: &str) -> Option<LabelId> {
        self.by_id.get(id).copied()
    }

    /// The data of a label.
    pub fn label(&self, id: LabelId) -> &Label {
        &self.labels[usize::from(id.0)]
    }

    /// The level-one label above a label, or itself.
    pub fn root(&self, id: LabelId) -> LabelId {
        self.roots[usize::from(id.0)]
    }

    /// Whether `id` is `ancestor` or a child of it.
    pub fn is_under(&self, id: LabelId, ancestor: LabelId) -> bool {
        id == ancestor || self.root(id) == ancestor
    }

    /// All labels in file order.
    pub fn iter(&self) -> impl Iterator<Item = (LabelId, &Label)> {
        self.labels.iter().zip(0..).map(|(label, index)| (LabelId(index), label))
    }
}

/// The level-one part of a label id.
pub(crate) fn root_of(id: &str) -> &str {
    id.split_once('.').map_or(id, |(root, _)| root)
}

fn check_id(id: &str) -> Result<(), TaxonomyError> {
    let level_is_valid = |level: &str| {
        !level.is_empty() && level.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let valid = match id.split_once('.') {
        Some((root, child)) => level_is_valid(root) && level_is_valid(child),
        None => level_is_valid(id),
    };
    if valid { Ok(()) } else { Err(TaxonomyError::BadId(id.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(id: &str) -> Label {
        Label {
            id: id.to_owned(),
            zh: String::new(),
            en: String::new(),
            describe: String::new(),
            describe_zh: String::new(),
            maps: BTreeMap::new(),
        }
    }

    #[test]
    fn children_know_their_root_and_orphans_are_refused() {
        let taxonomy = Taxonomy::new(vec![label("fraud"), label("fraud.loan")]).unwrap();
        let (root, child) = (taxonomy.find("fraud").unwrap(), taxonomy.find("fraud.loan").unwrap());
        assert_eq!(taxonomy.root(child), root);
        assert!(taxonomy.is_under(child, root) && !taxonomy.is_under(root, child));
        assert!(matches!(Taxonomy::new(vec![label("a.b")]), Err(TaxonomyError::Orphan { .. })));
        assert!(matches!(Taxonomy::new(vec![label("a"), label("a")]), Err(TaxonomyError::Duplicate(_))));
        assert!(matches!(Taxonomy::new(vec![label("a.b.c")]), Err(TaxonomyError::BadId(_))));
    }
}
