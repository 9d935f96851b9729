//! The page in a browser: what it shows with and without JavaScript, light, dark and on paper, and that it asks nobody.
//!
//! A headless Chromium does the reading, so that the page is judged by somebody else's understanding of HTML, CSS and content
//! security policies (written against Chromium 156). Without one on the path the tests say that they are skipped.

use crate::support::browser;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use browser::{Browser, Picture};
use serde_json::Value;

/// The sample log as the binary renders it.
fn report(format: &str) -> String {
    let told = Command::new(env!("CARGO_BIN_EXE_statusgap"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["report", "fixtures/logs/deferred.ndjson", "--color", "never", "--format", format])
        .output()
        .expect("the binary runs");
    String::from_utf8(told.stdout).expect("reports are UTF-8")
}

fn page(folder: &Path, html: &str) -> PathBuf {
    let path = folder.join("report.html");
    std::fs::write(&path, html).expect("the page can be written");
    path
}

/// The same page in a browser that runs no script at all: the policy says so. (With its own switch for that, the browser
/// shows the page and cannot tell its document.)
fn without_script(html: &str) -> String {
    let from = html.find("script-src").expect("a policy for scripts");
    let to = from + html[from..].find(';').expect("its end");
    format!("{}script-src 'none'{}", &html[..from], &html[to..])
}

/// The text of the first element that carries a key; the page has no nested markup there.
fn value<'a>(dom: &'a str, key: &str) -> &'a str {
    let at = dom.find(&format!("data-key=\"{key}\"")).unwrap_or_else(|| panic!("no {key} in the page"));
    let rest = &dom[at..];
    let from = rest.find('>').map_or(0, |end| end + 1);
    let to = rest[from..].find("</").map_or(rest.len(), |end| from + end);
    rest[from..to].trim()
}

#[test]
fn the_browser_shows_the_numbers_of_the_result() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let html = report("html");
    let result: Value = serde_json::from_str(&report("json")).expect("JSON");
    let reads =
        result["guarantees"].as_array().and_then(|all| all.iter().find(|row| row["name"] == "read-your-writes")).expect("a guarantee");
    let median = result["window"]["quantiles_ms"]["p50"].as_array().expect("a median");
    let seconds = |ms: &Value| format!("{:.3}", ms.as_f64().expect("a number") / 1e3);
    for html in [without_script(&html), html] {
        let dom = browser.dom(&page(folder.path(), &html), &[]);
        assert!(value(&dom, "verdict").contains("aria-hidden"), "the sign is not read aloud");
        assert!(dom.contains(&format!("</span> {}</p>", result["verdict"].as_str().expect("a word").to_uppercase())));
        let headline = value(&dom, "headline").trim_end_matches('.').replace("&nbsp;", " ").to_lowercase();
        assert_eq!(headline, result["headline"].as_str().expect("a sentence").to_lowercase());
        assert_eq!(value(&dom, "denied"), reads["broken"].to_string());
        assert_eq!(value(&dom, "window"), format!("{}–{} s", seconds(&median[0]), seconds(&median[1])));
        assert_eq!(value(&dom, "p50"), value(&dom, "window"), "one number, wherever it stands");
        assert_eq!(value(&dom, "p99"), result["window"]["quantile_notes"]["p99"]);
    }
}

#[test]
fn the_script_only_adds_to_a_page_that_is_whole_without_it() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let html = report("html");
    let with = browser.dom(&page(folder.path(), &html), &[]);
    let without = browser.dom(&page(folder.path(), &without_script(&html)), &[]);
    for added in ["class=\"js\"", "id=\"lane-filter\"", ">Copy</button>", "aria-live=\"polite\"", ">Unfold all</button>"] {
        assert!(with.contains(added), "the script did not run: {added}");
        assert!(!without.contains(added), "there is a control that does nothing: {added}");
    }
    // A chart is a group of marks; what is drawn as one picture has a table beside it.
    let heads = with.split("class=\"plot\"").skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    let plots = heads.filter(|head| head.contains("role=\"group\"")).count();
    assert!(plots > 5, "{plots} charts");
    let stops = with.matches("tabindex=\"0\" role=\"img\"").count();
    assert_eq!(stops, plots, "one stop of the tab key for each chart, the arrow keys do the rest");
    assert!(without.contains("<title>100.0 ms: status poll (fresh) answered not_found, worker 1</title>"), "marks tell what they are");
    assert_eq!(without.matches("<tr>").count(), with.matches("<tr>").count());
}

#[test]
fn charts_filter_and_folds_work_from_the_keyboard() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    // Without its policy the page lets a probe of ours press its keys, which reports in the title.
    let html = report("html").replacen("http-equiv", "data-was", 1);
    let probe = "<script>
        const first = document.querySelector('[data-chart] .plot .hit');
        const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        const detail = () => document.querySelector('[data-chart] .detail').textContent;
        first.focus(); const told = [detail()];
        press('End'); told.push(detail());
        press('ArrowRight'); told.push(detail());
        press('Home'); told.push(detail());
        const filter = document.getElementById('lane-filter');
        filter.selectedIndex = 2; filter.dispatchEvent(new Event('change'));
        told.push([...document.querySelectorAll('.scenario')].filter((group) => !group.hidden).map((group) => group.dataset.scenario).join('+'));
        document.querySelector('nav button').click();
        told.push([...document.querySelectorAll('details')].every((fold) => fold.open));
        document.title = told.join(' / ');
        </script></body>";
    let dom = browser.dom(&page(folder.path(), &html.replacen("</body>", probe, 1)), &[]);
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    let told: Vec<&str> = title.split(" / ").collect();
    let [first, last, beyond, home, shown, unfolded] = told[..] else { panic!("the probe told nothing: {title}") };
    assert!(first.starts_with("0–1.") && first.contains("0 % visible"), "{first}");
    assert!(last.contains("100 % visible") && last != first, "{last}");
    assert_eq!((beyond, home), (last, first), "nothing lies beyond the last mark, and Home leads back");
    assert_eq!((shown, unfolded), ("keep-alive", "true"));
}

#[test]
fn the_page_runs_nothing_but_its_own_script_and_asks_nobody() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    // Somebody got markup into the page after all: the policy must hold where the escaping did not.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let spy = listener.local_addr().expect("an address");
    let smuggled = format!(
        "<main><img src=\"http://{spy}/img\" onerror=\"document.title='owned'\"><script>document.title='owned'</script>\
         <script src=\"http://{spy}/js\"></script><link rel=\"stylesheet\" href=\"http://{spy}/css\"><iframe src=\"http://{spy}/frame\"></iframe>"
    );
    let html = report("html");
    let path = page(folder.path(), &html.replacen("<main>", &smuggled, 1));
    let dom = browser.dom(&path, &[]);
    assert!(dom.contains(&format!("http://{spy}/img")), "nothing was smuggled, and nothing shown by this test");
    assert!(!dom.contains("<title>owned</title>"), "a foreign script ran");
    assert!(dom.contains("class=\"js\""), "its own script was barred, too");
    // A connection may be opened ahead for a frame that the policy then refuses; nothing may be asked over it.
    while let Ok((mut stream, _)) = listener.accept() {
        stream.set_nonblocking(false).expect("a socket");
        let mut asked = String::new();
        stream.read_to_string(&mut asked).expect("a connection that has ended with the browser");
        assert_eq!(asked, "", "the page asked somebody");
    }
    // The spy must be able to see a page that asks.
    let free = page(folder.path(), &format!("<!doctype html><title>free</title><img src=\"http://{spy}/img\">"));
    let asked = std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            listener.set_nonblocking(false).expect("a socket");
            let (mut stream, _) = listener.accept().expect("a request");
            let mut head = [0; 12];
            stream.read_exact(&mut head).expect("its first bytes");
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("an answer");
            String::from_utf8_lossy(&head).into_owned()
        });
        browser.dom(&free, &[]);
        // Wakes the spy if nobody asked.
        drop(std::net::TcpStream::connect(spy).map(|mut stream| stream.write_all(b"nobody asked")));
        asked.join().expect("the spy")
    });
    assert_eq!(asked, "GET /img HTT");
}

#[test]
fn light_dark_and_narrow_pages_are_drawn_in_their_own_colours() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let html = report("html");
    let path = page(folder.path(), &html);
    let light = browser.screenshot(&path, (1280, 800), &["--blink-settings=preferredColorScheme=1"]);
    let dark = browser.screenshot(&path, (1280, 800), &["--blink-settings=preferredColorScheme=0"]);
    let path = page(folder.path(), &without_script(&html));
    let narrow = browser.screenshot(&path, (390, 844), &["--blink-settings=preferredColorScheme=1"]);
    for (name, picture) in [("light", &light), ("dark", &dark), ("narrow", &narrow)] {
        assert!(picture.colours() > 40, "{name}: {} colours", picture.colours());
    }
    assert_eq!((light.width, light.height), (1280, 800));
    assert!(light.brightness() > 200.0 && dark.brightness() < 60.0, "{} and {}", light.brightness(), dark.brightness());
    // The verdict's colour, on the first screen of each.
    let stamped = |picture: &Picture, colour: [u8; 3]| picture.share_of(colour) > 0.001;
    assert!(stamped(&light, [0xb3, 0x47, 0x00]) && stamped(&narrow, [0xb3, 0x47, 0x00]) && stamped(&dark, [0xff, 0x9a, 0x5c]));
    // The chart is there without scrolling: the tint of what was denied.
    assert!(stamped(&light, [0xfb, 0xe6, 0xd8]) && stamped(&narrow, [0xfb, 0xe6, 0xd8]), "the chart is below the first screen");
}

#[test]
fn no_page_is_wider_than_its_screen() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["html", "latency-html"] {
        // The browser's narrowest window is wider than a phone; a frame is as narrow as it is told to be.
        page(folder.path(), &report(format));
        let frame = folder.path().join("frame.html");
        let probe = "<!doctype html><title>?</title><iframe src=\"report.html\" width=\"390\" height=\"844\"></iframe><script>addEventListener('load',()=>{\
                     const d=frames[0].document.documentElement;document.title=d.clientWidth+' '+d.scrollWidth})</script>";
        std::fs::write(&frame, probe).expect("the frame can be written");
        let dom = browser.dom(&frame, &["--allow-file-access-from-files"]);
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
        let widths: Vec<u32> = title.split(' ').filter_map(|width| width.parse().ok()).collect();
        let [screen, page] = widths[..] else { panic!("the frame told nothing: {title}") };
        assert!((300..=390).contains(&screen) && page <= screen, "{format}: a page of {page} on a screen of {screen}");
    }
}

#[test]
fn the_latency_page_shows_its_picture_in_light_and_in_dark() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = page(folder.path(), &report("latency-html"));
    let picture = folder.path().join("latency.svg");
    std::fs::write(&picture, report("latency-svg")).expect("the picture can be written");
    // The median's colour, which nothing else on the page has; beside markdown the file is shown alone.
    let median = [0x00, 0x72, 0xb2];
    for scheme in ["--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"] {
        for file in [&path, &picture] {
            let shown = browser.screenshot(file, (1200, 2000), &[scheme]);
            assert!(shown.share_of(median) > 1e-5, "{}: {} of the screen", file.display(), shown.share_of(median));
        }
    }
}

#[test]
fn the_page_prints() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = page(folder.path(), &report("html"));
    let pdf = browser.pdf(&path);
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 20_000, "{} bytes", pdf.len());
    let pages = String::from_utf8_lossy(&pdf).matches("/Type /Page\n").count();
    assert!((3..60).contains(&pages), "{pages} pages");
}
