//! The page in a browser, which says how it looks: Chromium without a window, if there is one.

use crate::fixture::Place;
use crate::report::hostile;
use assert_cmd::Command;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;

/// What a browser may take, on a machine that does something else too.
const PATIENCE: Duration = Duration::from_secs(120);
/// Of a large screen and of a phone.
const WIDTHS: [u32; 2] = [1_280, 390];

/// Says how a page looks to the page it stands in.
const MEASURE: &str = r#"<script>
// Black is what has got no colour from the page's style.
const isColour = fill => fill !== "none" && fill !== "rgb(0, 0, 0)";
addEventListener("load", () => {
  document.querySelectorAll("details").forEach(details => { details.open = true });
  const charts = [...document.querySelectorAll("svg[role=img]")].map(chart => {
    const box = chart.getBoundingClientRect();
    const drawn = [...chart.querySelectorAll("path:not(.grid), rect:not(.point)")];
    return {
      label: chart.getAttribute("aria-label"), width: box.width, height: box.height,
      pieces: drawn.length,
      drawn: drawn.filter(piece => {
        const own = piece.getBoundingClientRect();
        return own.width > 0 && own.height > 0 && isColour(getComputedStyle(piece).fill);
      }).length,
    };
  });
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let smallest = 100;
  while (texts.nextNode()) {
    const around = texts.currentNode.parentElement;
    if (texts.currentNode.textContent.trim() && !around.closest("svg"))
      smallest = Math.min(smallest, parseFloat(getComputedStyle(around).fontSize));
  }
  const root = document.documentElement;
  parent.postMessage(JSON.stringify({
    width: innerWidth, scrolls: root.scrollWidth, height: root.scrollHeight, charts, smallest,
    headings: document.querySelectorAll("h1, h2").length,
    rows: document.querySelectorAll("tbody tr").length,
    loaded: performance.getEntriesByType("resource").map(entry => entry.name),
    broken: window.broken === true,
  }), "*");
});
</script>"#;

/// Stands around a page, since a window without a screen can't be as narrow as a phone, and writes
/// down what the page says of itself.
fn around(page: &str, width: u32, height: u32) -> String {
    format!(
        r#"<!DOCTYPE html><body style="margin:0"><pre id="found" hidden></pre>
<script>addEventListener("message", event => {{
  const bytes = btoa(unescape(encodeURIComponent(event.data)));
  document.getElementById("found").textContent = "[[" + bytes + "]]";
}});</script>
<iframe src="{page}" style="display:block;border:0;width:{width}px;height:{height}px"></iframe>"#
    )
}

/// A browser, with a folder of its own.
struct Browser {
    program: PathBuf,
    folder: TempDir,
}

impl Browser {
    /// The one that is installed. Without any there is nothing to test, and that is said.
    fn installed() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let files = |name: &str| folders.iter().map(|folder| folder.join(name)).collect::<Vec<_>>();
        // Some systems have a file of that name which only says how to install one.
        let runs = |file: &PathBuf| {
            file.is_file()
                && Command::new(file).arg("--version").output().is_ok_and(|it| it.status.success())
        };
        let program = names.into_iter().flat_map(files).find(runs);
        if program.is_none() {
            println!("skipped: none of {} is on the PATH and runs", names.join(", "));
        }
        Some(Self { program: program?, folder: tempfile::tempdir().unwrap() })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens a page of the browser's folder.
    fn run(&self, page: &str, flags: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.timeout(PATIENCE).args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
        ]);
        command.arg(format!("--user-data-dir={}", self.file("profile").display()));
        command.args(flags).arg(format!("file://{}", self.file(page).display()));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// What a page writes to the browser's console.
    fn console(&self, page: &str) -> Vec<String> {
        fs::write(self.file("console.html"), page).unwrap();
        let output = self.run("console.html", &["--dump-dom"]);
        let said = String::from_utf8_lossy(&output.stderr);
        said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect()
    }

    /// How a page looks that is so wide.
    fn measure(&self, page: &str, width: u32) -> Value {
        // The page's own policy lets no script run, ours neither.
        let policy = "default-src 'none'; style-src";
        assert!(page.contains(policy));
        let measured = page
            .replace(policy, "default-src 'none'; script-src 'unsafe-inline'; style-src")
            .replace("</body>", &format!("{MEASURE}</body>"));
        fs::write(self.file("measured.html"), measured).unwrap();
        fs::write(self.file("around.html"), around("measured.html", width, 900)).unwrap();
        let output = self.run("around.html", &["--dump-dom", "--window-size=1400,1000"]);
        let dom = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = dom.split_once("[[").and_then(|(_, rest)| rest.split_once("]]"));
        let found = found.unwrap_or_else(|| panic!("nothing was measured: {dom}")).0;
        let found = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, found).unwrap();
        serde_json::from_slice(&found).unwrap()
    }

    /// A picture of a page, in the folder for what tests make, so that somebody can look at it.
    fn picture(&self, page: &str, name: &str, width: u32, height: u32, is_dark: bool) -> Picture {
        fs::write(self.file("page.html"), page).unwrap();
        fs::write(self.file("around.html"), around("page.html", width, height)).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
        fs::create_dir_all(&folder).unwrap();
        let path =
            folder.join(format!("{name}-{width}-{}.png", if is_dark { "dark" } else { "light" }));
        let scheme = if is_dark { 0 } else { 1 };
        self.run(
            "around.html",
            &[
                &format!("--window-size={width},{height}"),
                &format!("--blink-settings=preferredColorScheme={scheme}"),
                &format!("--screenshot={}", path.display()),
            ],
        );
        Picture::read(&path)
    }
}

/// How many points have which colour.
struct Picture {
    colours: HashMap<[u8; 3], usize>,
    points: usize,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let decoder = png::Decoder::new(BufReader::new(File::open(path).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let samples = info.color_type.samples();
        assert!(samples >= 3 && info.bit_depth == png::BitDepth::Eight, "{}", path.display());
        let mut colours = HashMap::new();
        for point in bytes[..info.buffer_size()].chunks(samples) {
            *colours.entry([point[0], point[1], point[2]]).or_default() += 1;
        }
        Self { colours, points: bytes.len() / samples }
    }

    fn share(&self, colour: [u8; 3]) -> f64 {
        *self.colours.get(&colour).unwrap_or(&0) as f64 / self.points as f64
    }
}

#[track_caller]
fn fits(found: &Value, width: u32) {
    assert_eq!(found["width"], width, "{found}");
    assert_eq!(found["scrolls"], width, "it has to be scrolled sideways");
    assert!(found["smallest"].as_f64().unwrap() >= 14.0, "text of {}", found["smallest"]);
    assert_eq!(found["loaded"].as_array().unwrap().len(), 0, "{found}");
    assert_eq!(found["broken"], false);
    for chart in found["charts"].as_array().unwrap() {
        let more_than = |what: &str, least: f64| chart[what].as_f64().unwrap() > least;
        assert!(more_than("width", 60.0) && more_than("height", 30.0), "{chart}");
        assert!(more_than("drawn", 0.0) && chart["drawn"] == chart["pieces"], "{chart}");
    }
}

#[test]
fn a_page_about_flights_has_its_charts_and_fits_on_screens_and_phones() {
    let Some(browser) = Browser::installed() else { return };
    let page = Place::with_flights().page("flights.annals");
    assert_eq!(browser.console(&page), [""; 0]);
    for width in WIDTHS {
        let found = browser.measure(&page, width);
        fits(&found, width);
        assert_eq!(found["charts"].as_array().unwrap().len(), 3, "time, sizes, file");
        assert_eq!(found["headings"], 10);
        assert!(found["rows"].as_u64().unwrap() > 100);
        // Bars of type, streams and tags, in the light and in the dark, and what they lie on.
        for (is_dark, colours) in [
            (
                false,
                [[0xf4, 0xf5, 0xf7], [0xff, 0xff, 0xff], [0x2b, 0x6c, 0xb8], [0xd2, 0x69, 0x1e]],
            ),
            (
                true,
                [[0x0f, 0x12, 0x16], [0x18, 0x1c, 0x22], [0x5c, 0x9e, 0xe6], [0xee, 0x8f, 0x4a]],
            ),
        ] {
            let picture = browser.picture(&page, "flights", width, 2_000, is_dark);
            let shares = colours.map(|colour| picture.share(colour));
            assert!(shares.iter().all(|share| *share > 0.005), "{width} {is_dark}: {shares:?}");
            assert!(picture.colours.len() > 50, "text has many shades");
        }
    }
}

#[test]
fn hostile_names_run_nothing_load_nothing_and_keep_the_page_as_wide_as_it_is() {
    let Some(browser) = Browser::installed() else { return };
    let page = hostile().page("hostile.annals");
    assert_eq!(browser.console(&page), [""; 0]);
    for width in WIDTHS {
        let found = browser.measure(&page, width);
        fits(&found, width);
        assert_eq!(found["headings"], 10);
        let picture = browser.picture(&page, "hostile", width, 2_000, false);
        assert!(picture.share([0xff, 0xff, 0xff]) > 0.3, "a name covers the page");
    }
}

#[test]
fn pages_about_little_fit_too() {
    let Some(browser) = Browser::installed() else { return };
    let place = Place::with(&["one"]);
    place.does(&["init", "empty.annals"]);
    for (store, charts) in [("a.annals", 3), ("empty.annals", 1)] {
        let page = place.page(store);
        assert_eq!(browser.console(&page), [""; 0]);
        for width in WIDTHS {
            let found = browser.measure(&page, width);
            fits(&found, width);
            assert_eq!(found["charts"].as_array().unwrap().len(), charts, "{store}");
            let picture = browser.picture(&page, store, width, 2_000, false);
            assert!(picture.colours.len() > 50, "text has many shades");
        }
    }
}

/// The tests above would see a page that does what it must not.
#[test]
fn a_page_that_loads_runs_or_overflows_is_noticed() {
    let Some(browser) = Browser::installed() else { return };
    let page = Place::with(&["one"]).page("a.annals");
    let with = |what: &str| page.replace("</main>", &format!("{what}</main>"));
    // Refused by the page's policy, which the browser says.
    let loads = with("<img src='http://127.0.0.1:9/x.png'>");
    assert!(!browser.console(&loads).is_empty());
    let runs = with("<script>window.broken = true</script>");
    assert!(!browser.console(&runs).is_empty());
    assert_eq!(browser.measure(&runs, 390)["broken"], true, "measuring lets scripts run");
    let overflows = with("<p style='width:2000px'>wide</p>");
    assert!(browser.measure(&overflows, 390)["scrolls"].as_u64().unwrap() > 390);
    let small = with("<p style='font-size:10px'>small</p>");
    assert_eq!(browser.measure(&small, 390)["smallest"], 10.0);
    let nothing = browser.picture("<!DOCTYPE html><p>", "nothing", 390, 500, false);
    assert_eq!(nothing.share([0xff, 0xff, 0xff]), 1.0);
}
