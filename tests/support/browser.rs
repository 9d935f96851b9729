//! A headless Chromium as a reader of pages: each question is one start of it, with an empty profile and a time limit.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Under which names it is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// It answers in a second or two; on a machine that builds at the same time, in ten.
const LIMIT: Duration = Duration::from_secs(120);

/// No services of its own that could look like the page's doing, no sandbox that a container lacks.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];

#[derive(Debug)]
pub struct Browser {
    program: PathBuf,
}

impl Browser {
    /// The browser on the path. Where there is none, the test says that it is skipped.
    pub fn find() -> Option<Browser> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name))).find(|file| file.is_file());
        if program.is_none() {
            super::skip::skipped("Chromium is not installed");
        }
        program.map(|program| Browser { program })
    }

    /// The document after its script has run.
    pub fn dom(&self, page: &Path, settings: &[&str]) -> String {
        String::from_utf8(self.run(page, &[&["--dump-dom"], settings].concat())).expect("the document is UTF-8")
    }

    /// What a window of this size shows.
    pub fn screenshot(&self, page: &Path, (width, height): (u32, u32), settings: &[&str]) -> Picture {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("page.png");
        let (size, to) = (format!("--window-size={width},{height}"), format!("--screenshot={}", file.display()));
        self.run(page, &[&[size.as_str(), to.as_str()], settings].concat());
        Picture::read(&file)
    }

    /// The page on paper.
    pub fn pdf(&self, page: &Path) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("page.pdf");
        self.run(page, &[&format!("--print-to-pdf={}", file.display())]);
        std::fs::read(&file).expect("the browser printed")
    }

    fn run(&self, page: &Path, settings: &[&str]) -> Vec<u8> {
        let profile = tempfile::tempdir().expect("a folder");
        // A file takes any amount of output without anybody having to read meanwhile.
        let output = profile.path().join("output");
        let mut child = Command::new(&self.program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .args(settings)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(File::create(&output).expect("a file"))
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("a child to wait for") {
                assert!(status.success(), "the browser ended with {status}");
                return std::fs::read(&output).expect("its output");
            }
            if begun.elapsed() > LIMIT {
                child.kill().expect("a child to kill");
                child.wait().expect("a child to wait for");
                panic!("the browser did not answer within {LIMIT:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A screenshot, three bytes a pixel.
#[derive(Debug)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    fn read(path: &Path) -> Picture {
        let file = std::io::BufReader::new(File::open(path).expect("the browser took a picture"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size that fits into memory")];
        let frame = reader.next_frame(&mut bytes).expect("a picture");
        let each = frame.color_type.samples();
        assert!(each >= 3 && frame.bit_depth == png::BitDepth::Eight, "{frame:?}");
        let pixels = bytes[..frame.buffer_size()].chunks_exact(each).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Picture { width: frame.width, height: frame.height, pixels }
    }

    /// How many colours there are.
    pub fn colours(&self) -> usize {
        let mut colours = self.pixels.clone();
        colours.sort_unstable();
        colours.dedup();
        colours.len()
    }

    /// The mean of all channels, 0 to 255.
    pub fn brightness(&self) -> f64 {
        let sum: u64 = self.pixels.iter().flatten().map(|channel| u64::from(*channel)).sum();
        sum as f64 / (self.pixels.len() * 3) as f64
    }

    /// The share of pixels that have exactly this colour.
    pub fn share_of(&self, colour: [u8; 3]) -> f64 {
        self.pixels.iter().filter(|pixel| **pixel == colour).count() as f64 / self.pixels.len() as f64
    }
}
