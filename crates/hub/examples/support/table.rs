//! The figures, in the form of docs/benchmarks.md.

/// Rows: figure, of infinihub, of another, target.
#[derive(Default)]
pub struct Table(Vec<[String; 4]>);

impl Table {
    /// Adds a row, and shows it at once.
    pub fn row(&mut self, figure: &str, hub: &str, other: &str, target: &str) {
        eprintln!("{figure}: {hub} {other} {target}");
        self.0.push([figure, hub, other, target].map(str::to_owned));
    }

    /// All of it.
    pub fn print(&self) {
        println!("\n| figure | infinihub | another, as named | target |\n|---|--:|--:|---|");
        for [figure, hub, other, target] in &self.0 {
            println!("| {figure} | {hub} | {other} | {target} |");
        }
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("\nload average {}", load.split(' ').next().unwrap_or_default());
    }
}

/// What became of a target: at most so much.
pub fn reached(figure: f64, most: f64, target: &str) -> String {
    format!("{target}: {}", if figure <= most { "reached" } else { "missed" })
}

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
