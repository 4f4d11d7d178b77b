//! How the page looks: at both widths and in both colours nothing is cut off, and texts can be read.
//!
//! Pictures for people are in the directory `page` of the build's temporary directory.

use crate::host::{LARGE, start};
use infiniservice_hub_sim::Fault;
use infiniservice_lab::Screen;
use std::fs;
use std::path::Path;

/// Texts whose contrast to what is behind them is below 4.5 to 1 (WCAG AA).
const PALE: &str = r"(() => {
  const light = text => {
    const [r, g, b] = text.match(/[\d.]+/g).map(Number).map(one => one / 255)
      .map(one => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    for (let one = node; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!/, 0\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const pale = new Set();
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some(one => one.nodeType === 3 && one.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest('svg, noscript')) continue;
    const [x, y] = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => b - a);
    const contrast = (x + 0.05) / (y + 0.05);
    if (contrast < 4.5) pale.add(`${node.tagName} ${node.className} ${node.textContent.slice(0, 20)}: ${contrast.toFixed(2)}`);
  }
  return [...pale].join('; ');
})()";

/// Headings, names and figures that have less room than they need, and room that nothing has.
const CUT: &str = r"(() => {
  const seen = [...document.querySelectorAll('#table thead button, #rows .c-name, #rows .c-cpu, #rows .c-memory')];
  const cut = seen.filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth).map(one => one.textContent);
  const last = [...document.querySelectorAll('#heads th')].filter(one => one.checkVisibility()).pop();
  const spare = last ? document.getElementById('table').getBoundingClientRect().right - last.getBoundingClientRect().right : 0;
  return [...cut, ...(spare > 1 ? [`${spare} pixels beside the last column`] : [])].join('; ');
})()";

#[test]
fn it_can_be_read_at_both_widths_and_in_both_colours() {
    let mut host = start(52, &[Fault::Mute, Fault::Churns, Fault::Hostile, Fault::Noise]);
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&pictures).unwrap();
    for (width, height) in [(400, 800), (1000, 800), (1600, 900)] {
        for dark in [false, true] {
            host.browser.screen(Screen { width, height, dark }).unwrap();
            for (part, there) in [
                ("#machines", "document.querySelectorAll('#rows .c-name').length > 20"),
                ("#events", "document.querySelector('#events td') !== null"),
                ("#vm=sim-0001", "document.querySelector('#detail dl') !== null"),
            ] {
                host.browser.go("about:blank").unwrap();
                host.browser.go(&format!("{}/{part}", host.url)).unwrap();
                host.sees(&format!("document.title !== 'infinihub' && {there}"));
                let colours = if dark { "dark" } else { "light" };
                let name = format!("{}-{width}-{colours}.png", &part[1..3]);
                host.browser.screenshot(&pictures.join(name)).unwrap();
                assert_eq!(host.text(PALE), "", "{part} at {width} in {colours} colours");
                assert_eq!(host.text(CUT), "", "{part} at {width}");
                let wide = "document.documentElement.scrollWidth";
                assert_eq!(host.browser.value(wide).unwrap(), width, "{part} is wider than the screen");
            }
        }
    }
    host.browser.screen(LARGE).unwrap();
    assert_eq!(host.problems(), [""; 0]);
}
