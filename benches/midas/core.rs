//! MIDAS, MIDAS-R and MIDAS-F, written from the papers, as peers to measure against.
//!
//! S. Bhatia, B. Hooi, M. Yoon, K. Shin, C. Faloutsos: MIDAS: Microcluster-Based Detector of Anomalies in Edge Streams,
//! AAAI 2020 (MIDAS, section 4; MIDAS-R, section 5). S. Bhatia, R. Liu, B. Hooi, M. Yoon, K. Shin, C. Faloutsos:
//! Real-Time Anomaly Detection in Edge Streams, TKDD 2022 (MIDAS-F, section 6).
//!
//! An edge goes from a source to a destination at a tick. Ticks begin at 1 and never fall. Scores are chi-squared
//! statistics: 0 where nothing is known yet, without an upper bound; papers and programs apply a logarithm or not,
//! which no ranking sees. Counts are kept in count-min sketches of 32-bit floats.

/// Most rows of a sketch.
pub const ROWS_MAX: usize = 4;
/// What is left of a tick's counts in the next one (the papers' alpha).
const MEMORY: f32 = 0.5;
/// A cell that scores as much is not taken into the baseline of MIDAS-F (the paper's epsilon).
const SUSPICIOUS: f32 = 1_000.0;

/// Shape and hash functions of the sketches.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub rows: usize,
    pub columns: usize,
    pub seed: u64,
}

/// The cells of a key, one per row.
type Cells = [usize; ROWS_MAX];

impl Shape {
    /// O(rows).
    fn cells(&self, key: u64) -> Cells {
        let mut cells = [0; ROWS_MAX];
        for (row, cell) in cells.iter_mut().enumerate().take(self.rows) {
            let hash = mix(key ^ mix(self.seed.wrapping_add(row as u64)));
            // The upper half of a product spreads the hash over the columns.
            let column = ((u128::from(hash) * self.columns as u128) >> 64) as usize;
            *cell = row * self.columns + column;
        }
        cells
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014), a bijection.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The key of an edge.
fn edge(source: u64, destination: u64) -> u64 {
    mix(source).rotate_left(17) ^ mix(destination ^ 0x5DEE_CE66)
}

/// A count-min sketch (Cormode and Muthukrishnan 2005).
#[derive(Clone, Debug)]
struct Sketch {
    rows: usize,
    cells: Vec<f32>,
}

impl Sketch {
    fn new(shape: Shape) -> Self {
        Self { rows: shape.rows, cells: vec![0.0; shape.rows * shape.columns] }
    }

    fn add(&mut self, cells: &Cells) {
        cells[..self.rows].iter().for_each(|cell| self.cells[*cell] += 1.0);
    }

    fn set(&mut self, cells: &Cells, value: f32) {
        cells[..self.rows].iter().for_each(|cell| self.cells[*cell] = value);
    }

    fn get(&self, cells: &Cells) -> f32 {
        cells[..self.rows].iter().fold(f32::INFINITY, |least, cell| least.min(self.cells[*cell]))
    }

    /// O(cells).
    fn multiply(&mut self, factor: f32) {
        self.cells.iter_mut().for_each(|cell| *cell *= factor);
    }
}

/// Counts of one kind of key: of this tick, and of all ticks with this one.
#[derive(Clone, Debug)]
struct Counts {
    current: Sketch,
    total: Sketch,
}

impl Counts {
    fn new(shape: Shape) -> Self {
        Self { current: Sketch::new(shape), total: Sketch::new(shape) }
    }

    /// Counts a key and scores it: `(a - s/t)^2 t^2 / (s (t - 1))`.
    fn score(&mut self, cells: &Cells, tick: f32) -> f32 {
        self.current.add(cells);
        self.total.add(cells);
        if tick <= 1.0 {
            return 0.0;
        }
        let (a, s) = (self.current.get(cells), self.total.get(cells));
        let deviation = a * tick - s;
        deviation * deviation / (s * (tick - 1.0))
    }
}

/// What scores a stream of edges.
pub trait Detector {
    /// The score of an edge. Ticks begin at 1 and never fall. O(rows), and O(cells) when a tick begins.
    fn score(&mut self, source: u64, destination: u64, tick: u32) -> f32;
}

/// MIDAS: edges only, nothing remembered of the last tick.
#[derive(Clone, Debug)]
pub struct Midas {
    shape: Shape,
    tick: u32,
    edges: Counts,
}

impl Midas {
    pub fn new(shape: Shape) -> Self {
        Self { shape, tick: 1, edges: Counts::new(shape) }
    }
}

impl Detector for Midas {
    fn score(&mut self, source: u64, destination: u64, tick: u32) -> f32 {
        if tick > self.tick {
            self.tick = tick;
            self.edges.current.multiply(0.0);
        }
        self.edges.score(&self.shape.cells(edge(source, destination)), self.tick as f32)
    }
}

/// MIDAS-R: edges, sources and destinations; the largest of three scores; counts of the last ticks fade.
#[derive(Clone, Debug)]
pub struct MidasR {
    shape: Shape,
    tick: u32,
    edges: Counts,
    sources: Counts,
    destinations: Counts,
}

impl MidasR {
    pub fn new(shape: Shape) -> Self {
        let counts = || Counts::new(shape);
        Self { shape, tick: 1, edges: counts(), sources: counts(), destinations: counts() }
    }
}

impl Detector for MidasR {
    fn score(&mut self, source: u64, destination: u64, tick: u32) -> f32 {
        if tick > self.tick {
            self.tick = tick;
            for counts in [&mut self.edges, &mut self.sources, &mut self.destinations] {
                counts.current.multiply(MEMORY);
            }
        }
        let now = self.tick as f32;
        let of_edge = self.edges.score(&self.shape.cells(edge(source, destination)), now);
        let of_source = self.sources.score(&self.shape.cells(source), now);
        let of_destination = self.destinations.score(&self.shape.cells(destination), now);
        of_edge.max(of_source).max(of_destination)
    }
}

/// Counts of one kind of key for MIDAS-F: of this tick, of the ticks before it, and the last score of each cell.
#[derive(Clone, Debug)]
struct Filtered {
    current: Sketch,
    total: Sketch,
    scores: Sketch,
}

impl Filtered {
    fn new(shape: Shape) -> Self {
        Self { current: Sketch::new(shape), total: Sketch::new(shape), scores: Sketch::new(shape) }
    }

    /// Ends tick `tick`: cells that were not suspicious go into the baseline, the others add their mean. O(cells).
    fn end(&mut self, tick: u32) {
        let before = tick.saturating_sub(1) as f32;
        let now = self.current.cells.iter_mut().zip(&self.scores.cells);
        for (total, (current, score)) in self.total.cells.iter_mut().zip(now) {
            if *score < SUSPICIOUS {
                *total += *current;
            } else if before > 0.0 {
                *total += *total / before;
            }
            *current *= MEMORY;
        }
    }

    /// Counts a key and scores it: `(a + s - a t)^2 / (s (t - 1))`, s being the baseline without this tick.
    fn score(&mut self, cells: &Cells, tick: f32) -> f32 {
        self.current.add(cells);
        let (a, s) = (self.current.get(cells), self.total.get(cells));
        let deviation = a + s - a * tick;
        let score = if s > 0.0 && tick > 1.0 { deviation * deviation / (s * (tick - 1.0)) } else { 0.0 };
        self.scores.set(cells, score);
        score
    }
}

/// MIDAS-F: as MIDAS-R, but what is suspicious does not teach the baseline.
#[derive(Clone, Debug)]
pub struct MidasF {
    shape: Shape,
    tick: u32,
    edges: Filtered,
    sources: Filtered,
    destinations: Filtered,
}

impl MidasF {
    pub fn new(shape: Shape) -> Self {
        let filtered = || Filtered::new(shape);
        Self { shape, tick: 1, edges: filtered(), sources: filtered(), destinations: filtered() }
    }
}

impl Detector for MidasF {
    fn score(&mut self, source: u64, destination: u64, tick: u32) -> f32 {
        if tick > self.tick {
            for filtered in [&mut self.edges, &mut self.sources, &mut self.destinations] {
                filtered.end(self.tick);
            }
            self.tick = tick;
        }
        let now = self.tick as f32;
        let of_edge = self.edges.score(&self.shape.cells(edge(source, destination)), now);
        let of_source = self.sources.score(&self.shape.cells(source), now);
        let of_destination = self.destinations.score(&self.shape.cells(destination), now);
        of_edge.max(of_source).max(of_destination)
    }
}

/// The three, with their names.
pub fn detectors(shape: Shape) -> [(&'static str, Box<dyn Detector>); 3] {
    [
        ("MIDAS", Box::new(Midas::new(shape))),
        ("MIDAS-R", Box::new(MidasR::new(shape))),
        ("MIDAS-F", Box::new(MidasF::new(shape))),
    ]
}
