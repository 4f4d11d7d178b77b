//! What people do with the page.

use crate::host::{Host, start};
use infiniservice_hub_sim::{Fault, lines};

/// The name of the machine that has the focus.
const FOCUSED: &str = "document.activeElement.closest('tr')?.machine ?? ''";
/// Names of the first rows.
const FIRST: &str =
    "[...document.querySelectorAll('#rows tr')].map(row => row.machine).filter(Boolean).slice(0, 3).join()";
const HEADING: &str = "document.getElementById('detail-name')";

fn name_of(host: &mut Host, expression: &str) -> String {
    host.text(expression)
}

#[test]
fn machines_are_found_sorted_and_opened_by_keys_alone() {
    let mut host = start(30, &[Fault::Mute]);
    host.open("", 29);
    assert_eq!(name_of(&mut host, FIRST), "sim-0000,sim-0001,sim-0002");
    // Sorted by a column: the button of its heading, as a person reaches it.
    host.browser.value("document.querySelector('th[data-key=cpu] button').focus()").unwrap();
    host.press(&["Enter"]);
    host.sees("document.querySelector('th[data-key=cpu]').getAttribute('aria-sort') === 'descending'");
    host.sees(
        "(figures => figures.every((one, at) => at === 0 || one <= figures[at - 1]))(
         [...document.querySelectorAll('#rows td.c-cpu')].map(cell => parseInt(cell.textContent)).filter(Number.isFinite))",
    );
    host.browser.value("document.querySelector('th[data-key=name] button').focus()").unwrap();
    host.press(&[" "]);
    // Filtered: / goes there, the machines that fit remain, and their number is told.
    host.press(&["/"]);
    host.browser.type_text("SIM-002").unwrap();
    host.sees("document.getElementById('summary').textContent.endsWith('10 shown')");
    assert_eq!(name_of(&mut host, FIRST), "sim-0020,sim-0021,sim-0022");
    // From the filter into the table, past the headings, then by arrows.
    host.press(&["Tab"; 11]);
    assert_eq!(name_of(&mut host, FOCUSED), "sim-0020");
    host.press(&["ArrowDown", "ArrowDown", "ArrowUp", "End", "Home", "ArrowDown"]);
    assert_eq!(name_of(&mut host, FOCUSED), "sim-0021");
    host.press(&["Enter"]);
    host.sees(&format!("{HEADING}.textContent === 'sim-0021' && document.activeElement === {HEADING}"));
    host.sees("document.querySelectorAll('#detail svg').length === 4");
    host.sees("document.querySelector('#detail-body').textContent.includes('Busiest processes')");
    host.press(&["Escape"]);
    host.sees("document.getElementById('detail').hidden && !document.getElementById('machines').hidden");
    assert_eq!(name_of(&mut host, FOCUSED), "sim-0021");
    assert_eq!(host.problems(), [""; 0]);
}

#[test]
fn what_a_hostile_guest_says_is_text_and_nothing_else() {
    let mut host = start(3, &[Fault::Hostile, Fault::Noise]);
    // Were it markup, a script of it would open a dialogue, which the browser tells of.
    assert!(lines::HOSTILE.contains("<script>alert"));
    host.open("#vm=sim-0001", 3);
    let hostile =
        "document.getElementById('detail-body').textContent.split('<script>alert(1)</script>').length";
    host.sees(&format!("{hostile} > 6"));
    let controls =
        r"/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(document.body.textContent)";
    assert_eq!(host.browser.value(controls).unwrap(), false);
    let made = "[...document.querySelectorAll('script')].map(one => one.getAttribute('src')).join()";
    assert_eq!(host.text(made), "/page.js");
    assert_eq!(host.problems(), [""; 0]);
    // And were one let in after all, the browser would not run it.
    let inserted = "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken' } catch (error) { return error.name } })()";
    assert_eq!(host.text(inserted), "TypeError");
}

#[test]
fn what_changes_comes_by_itself_and_a_hub_that_ends_is_told() {
    let mut host = start(3, &[Fault::Churns]);
    host.open("#events", 3);
    host.sees("document.getElementById('status').textContent === 'live'");
    // Nobody asked: the guest that comes and goes is in the list of events.
    host.sees("document.querySelector('#events [data-kind=lost]') !== null");
    host.browser.value("location.hash = 'machines'").unwrap();
    host.sees(
        "[...document.querySelectorAll('#rows .c-failure')].some(cell => cell.textContent.includes('lost'))",
    );
    host.end_hub();
    host.sees("document.getElementById('status').dataset.state === 'lost'");
}

#[test]
fn five_thousand_rows_are_drawn_as_far_as_they_are_seen() {
    let mut host = start(2, &[]);
    host.open("", 2);
    let many = "apply({ whole: true, gone: [], now_ms: hubTime(), last_seq: 0, vms: Array.from({ length: 5000 }, (_, at) =>
        ({ ...table.rows.get('sim-0000'), name: `many-${at}` })) }), rest()";
    host.browser.value(many).unwrap();
    host.sees("document.getElementById('summary').textContent.startsWith('5,000 machines')");
    host.sees("document.getElementById('table').getAttribute('aria-rowcount') === '5001'");
    assert_eq!(host.browser.value("document.querySelectorAll('#rows tr').length < 120").unwrap(), true);
    host.browser.value("document.querySelector('#rows a').focus()").unwrap();
    host.press(&["End"]);
    host.sees(&format!("({FOCUSED}) === 'many-4999'"));
    host.press(&["PageUp", "Home"]);
    host.sees(&format!("({FOCUSED}) === 'many-0'"));
    assert_eq!(host.problems(), [""; 0]);
}

#[test]
fn jobs_are_a_table_of_texts_and_a_hub_without_them_has_no_such_view() {
    let mut host = start(1, &[]);
    host.open("", 1);
    let view = "document.querySelector('[data-view=jobs]').hidden";
    assert_eq!(host.browser.value(view).unwrap(), true);
    let shown = "showJobs([{ id: 'j-1', state: 'finished', actor: 'root', vms: '<b>all</b>', 
        message: { type: 'SafeCommand', command_type: { action: 'ServiceList' } },
        accepted_at: '2026-11-30T10:00:00.000Z', targets: 3, counts: { answered: 2, unknown: 1, refused: 0 } }]),
        document.querySelector('#jobs tbody tr').textContent";
    let row = host.text(shown);
    for part in ["j-1", "finished", "ServiceList", "<b>all</b>", "3", "2 answered, 1 unknown", "root"] {
        assert!(row.contains(part), "{part}: {row}");
    }
    assert_eq!(host.problems(), [""; 0]);
}
