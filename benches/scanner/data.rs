//! Terms and posts to measure with.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use qingliu::engine::embedded_files;
use qingliu::lexicon::Bigrams;
use qingliu::text::FoldTable;

const POSTS_MAX: usize = 20_000;
const POST_CHARS: std::ops::RangeInclusive<usize> = 20..=200;

/// The measuring data or what stands in for it.
pub(crate) struct Inputs {
    folder: Option<PathBuf>,
    table: FoldTable,
    bigrams_text: String,
    pub(crate) bigrams: Bigrams,
    samples: Vec<String>,
}

impl Inputs {
    pub(crate) fn new() -> Self {
        let files = embedded_files();
        let file = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
        let table = FoldTable::build(|name| file(&format!("fold/{name}"))).unwrap();
        let bigrams_text = file("fold/bigrams.tsv").unwrap().to_owned();
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folder =
            std::env::var_os("QINGLIU_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
        let samples = std::fs::read_dir(root.join("samples")).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = samples.map(|entry| entry.path()).collect();
        paths.sort();
        Self {
            folder: folder.join("matching").is_dir().then_some(folder),
            table,
            bigrams: Bigrams::parse(&bigrams_text).unwrap(),
            bigrams_text,
            samples: paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect(),
        }
    }

    pub(crate) fn origin(&self) -> String {
        match &self.folder {
            Some(folder) => folder.display().to_string(),
            None => "none at hand; terms and posts are made from the shipped tables and samples".to_owned(),
        }
    }

    pub(crate) fn fold(&self, c: char, out: &mut Vec<char>) {
        self.table.fold_char_into(c, out);
    }

    pub(crate) fn folded(&self, text: &str) -> String {
        let mut out = Vec::new();
        text.chars().for_each(|c| self.fold(c, &mut out));
        out.into_iter().collect()
    }

    fn read(&self, path: &str) -> Option<String> {
        let bytes = std::fs::read(self.folder.as_ref()?.join(path)).ok()?;
        String::from_utf8(zstd::decode_all(bytes.as_slice()).ok()?).ok()
    }

    pub(crate) fn posts(&self) -> Vec<String> {
        let lines = self.read("moderation/corpus.jsonl.zst");
        let lines: Vec<&str> = match &lines {
            Some(lines) => lines.split('\n').step_by(9).collect(),
            None => self.samples.iter().flat_map(|sample| sample.lines()).collect(),
        };
        let text = |line: &&str| Some(qingliu::model::Item::from_json(line).ok()?.text?.into_owned());
        let posts = lines.iter().filter_map(text).filter(|text| POST_CHARS.contains(&text.chars().count()));
        posts.take(POSTS_MAX).collect()
    }

    pub(crate) fn terms(&self, kind: &str, count: usize) -> Vec<String> {
        match self.read(&format!("matching/{kind}_{count}.txt.zst")) {
            Some(lines) => lines.lines().map(str::to_owned).collect(),
            None if kind == "low" => self.walks(count),
            None => self.frequent(count),
        }
    }

    /// Random walks from pair to pair.
    fn walks(&self, count: usize) -> Vec<String> {
        let mut followers: HashMap<char, Vec<char>> = HashMap::new();
        let pairs = self.bigrams_text.lines().filter(|line| !line.starts_with('#'));
        let pairs: Vec<(char, char)> =
            pairs.filter_map(|line| line.chars().next().zip(line.chars().nth(1))).collect();
        pairs.iter().for_each(|(left, right)| followers.entry(*left).or_default().push(*right));
        let mut random = Random(count as u64);
        let walk = |number: usize| {
            let mut last = pairs[random.below(pairs.len())].0;
            let mut step = || {
                let next = followers.get(&last).map_or('的', |next| next[random.below(next.len())]);
                std::mem::replace(&mut last, next)
            };
            (0..2 + number % 5).map(|_| step()).collect()
        };
        (0..count).map(walk).collect()
    }

    /// The most frequent pieces of two to four characters of the samples.
    fn frequent(&self, count: usize) -> Vec<String> {
        let mut uses: BTreeMap<String, usize> = BTreeMap::new();
        for post in self.posts() {
            let chars: Vec<char> = self.folded(&post).chars().collect();
            let pieces = (2..=4).flat_map(|len| chars.windows(len));
            pieces.for_each(|piece| *uses.entry(piece.iter().collect()).or_default() += 1);
        }
        let mut uses: Vec<(String, usize)> = uses.into_iter().collect();
        uses.sort_by_key(|(_, uses)| std::cmp::Reverse(*uses));
        uses.into_iter().map(|(piece, _)| piece).take(count).collect()
    }
}

/// Knuth's linear congruential generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}
