//! What plugins really write, recorded with the version of the package that they come from (monitoring-plugins 2.3.3,
//! monitoring-plugins-contrib 42, node-exporter-textfile-collector-scripts of 2023-02-03), what they should not write, and anything.

use super::*;
use crate::fuzzing::plugins;
use proptest::prelude::{Just, any, prop, prop_assert_eq, prop_oneof, proptest};
use std::fs;
use std::path::Path;

fn fixture(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)).unwrap()
}

/// `name{labels} value`, for comparing.
fn lines(reading: &Reading) -> Vec<String> {
    let value = |series: &Series| series.value.map_or("null".into(), |value| value.to_string());
    reading.series.iter().map(|series| format!("{} {}", key(series), value(series))).collect()
}

fn nagios(text: &str, exit_code: i32) -> Reading {
    Format::Nagios.read(text, exit_code, 200).unwrap()
}

fn open_metrics(text: &str) -> Result<Reading, String> {
    Format::OpenMetrics.read(text, 0, 200)
}

fn json(text: &str) -> Result<Reading, String> {
    Format::Json.read(text, 0, 200)
}

#[test]
fn each_recorded_nagios_plugin_is_understood_whole() {
    let all = [
        ("check_disk-2.3.3.0", 0, 11),
        ("check_disk-2.3.3.2", 2, 6),
        ("check_file_age-2.3.3.0", 0, 8),
        ("check_http-2.3.3.0", 0, 8),
        ("check_load-2.3.3.0", 0, 19),
        ("check_memory-42.0", 0, 17),
        ("check_procs-2.3.3.0", 0, 7),
        ("check_running_kernel-42.1", 1, 1),
        ("check_swap-2.3.3.2", 2, 6),
    ];
    for (name, exit_code, count) in all {
        let reading = nagios(&fixture(&format!("nagios/{name}.txt")), exit_code);
        assert_eq!((&reading.complaint, reading.total), (&None, count), "{name}: {:?}", lines(&reading));
        assert_eq!(lines(&reading)[0], format!("state {exit_code}"));
        let message = reading.message.unwrap();
        assert!(message.len() > 5 && !message.contains('|'), "{name}: {message}");
    }
}

#[test]
fn a_plugin_that_explains_its_use_instead_is_unknown_and_its_bar_is_no_datum() {
    let reading = nagios(&fixture("nagios/check_ping-2.3.3.3.txt"), 3);
    assert_eq!((lines(&reading), reading.total), (vec!["state 3".to_owned()], 1));
    assert_eq!(reading.message.as_deref(), Some("check_ping: Could not parse arguments"));
    let complaint = reading.complaint.unwrap();
    assert_eq!(complaint, "performance data: \"-6]\" is not label=value; it is left out");
}

#[test]
fn a_datum_has_its_value_thresholds_and_bounds_with_its_label_and_unit() {
    let disk = nagios(&fixture("nagios/check_disk-2.3.3.2.txt"), 2);
    let labels = "{perfdata=\"/\",unit=\"B\"}";
    let [value, warning, critical, min, max] = &lines(&disk)[1..] else { panic!("{disk:?}") };
    for (line, name) in [value, warning, critical, min, max].into_iter().zip([
        "value",
        "warning_high",
        "critical_high",
        "min",
        "max",
    ]) {
        assert!(line.starts_with(&format!("{name}{labels} ")), "{line}");
    }
    assert!(min.ends_with(" 0") && disk.series[5].value > disk.series[1].value, "{disk:?}");
    let procs = nagios(&fixture("nagios/check_procs-2.3.3.0.txt"), 0);
    assert!(lines(&procs).contains(&"warning_low{perfdata=\"procs\"} 1".to_owned()), "{procs:?}");
    assert!(lines(&procs).contains(&"critical_high{perfdata=\"procs\"} 1000".to_owned()), "{procs:?}");
}

#[test]
fn long_text_quoted_labels_and_ranges_are_those_of_the_guidelines() {
    let reading = nagios(
        "DISK OK - free space: / 3326 MB | /=2643MB;5948\n/home 15272 MB\n/var 819 MB | /boot=68c;;@10:20\n'it''s a b'=~U 'x =y'=-1.5e-05s;~:3;7:\n",
        0,
    );
    assert_eq!(reading.message.as_deref(), Some("DISK OK - free space: / 3326 MB"));
    assert_eq!(
        lines(&reading)[1..],
        [
            "value{perfdata=\"/\",unit=\"MB\"} 2643",
            "warning_high{perfdata=\"/\",unit=\"MB\"} 5948",
            "value{perfdata=\"/boot\",unit=\"c\"} 68",
            "critical_low{alert=\"inside\",perfdata=\"/boot\",unit=\"c\"} 10",
            "critical_high{alert=\"inside\",perfdata=\"/boot\",unit=\"c\"} 20",
            "value{perfdata=\"x =y\",unit=\"s\"} -0.000015",
            "warning_high{perfdata=\"x =y\",unit=\"s\"} 3",
            "critical_low{perfdata=\"x =y\",unit=\"s\"} 7",
        ]
    );
    assert_eq!(reading.series[3].kind, SeriesType::Counter);
    let complaint = reading.complaint.unwrap();
    assert!(complaint.contains("the value of \"it's a b\" is not understood; it is left out"), "{complaint}");
    assert_eq!(lines(&nagios("x|a=U", 3))[1], "value{perfdata=\"a\"} null");
    assert_eq!(nagios("", 1).message, None);
}

#[test]
fn each_recorded_file_of_figures_is_understood_whole() {
    let sizes = open_metrics(&fixture("openmetrics/directory-size-20230203.prom")).unwrap();
    assert_eq!(
        lines(&sizes),
        [
            "node_directory_size_bytes{directory=\"/tmp/np\"} 7540736",
            "node_directory_size_bytes{directory=\"/etc\"} 3715072"
        ]
    );
    assert_eq!(sizes.series[0].kind, SeriesType::Gauge);
    let instances = open_metrics(&fixture("openmetrics/inotify-instances-20230203.prom")).unwrap();
    assert_eq!(instances.series[0].labels["command"], "infiniservice");
    let none = open_metrics(&fixture("openmetrics/fstab-check-20230203.prom")).unwrap();
    assert_eq!(none, Reading::default(), "a script without figures");
}

#[test]
fn a_series_has_the_type_of_its_family_and_no_number_is_null() {
    let text = "# TYPE h histogram\n# HELP h How long, \\\"quoted\\\".\nh_bucket{le=\"0.5\"} 3 # {trace_id=\"x\"} 0.4\nh_bucket{le=\"+Inf\"} 4\nh_sum 1.5\nh_count 4\n\
                # TYPE c counter\nc_total 9\nc_created 1.7e9\n# TYPE s stateset\ns{s=\"on\"} 1\nplain NaN\nmore{a=\"x\\\"y\\\\z\\n\", b = \"\",} -Inf\n# EOF\n";
    let reading = open_metrics(text).unwrap();
    let kinds: Vec<_> = reading.series.iter().map(|series| series.kind).collect();
    let (histogram, counter) = (SeriesType::Histogram, SeriesType::Counter);
    assert_eq!(kinds[..6], [histogram, histogram, histogram, histogram, counter, counter]);
    assert_eq!(kinds[6..], [SeriesType::StateSet, SeriesType::Unknown, SeriesType::Unknown]);
    assert_eq!(lines(&reading)[7], "plain null");
    assert_eq!(reading.series[8].labels["a"], "x\"y\\z ", "a newline would end a line elsewhere");
    assert_eq!(reading.series[8].value, None);
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_nothing_is_told_in_part() {
    for (text, told) in [
        ("a 1\nb 2", "line 2 does not end with a newline: the text may not be whole"),
        ("a 1\nb", "may not be whole"),
        ("a 1\nb\n", "line 2: \"b\" has no value"),
        ("a one\n", "line 1: \"one\" is no number"),
        ("1a 1\n", "line 1: \"1a\" is no name of a series"),
        ("a{b=\"c\" 1\n", "a comma or } is missing"),
        ("a{b=c} 1\n", "the value of the label b must stand in quotes"),
        ("a{b=\"c} 1\n", "the value of the label b must stand in quotes"),
        ("a{b=\"\\x\"} 1\n", "\\x is no escape"),
        ("a{b=\"1\",b=\"2\"} 1\n", "the label b is told twice"),
        ("a{b-c=\"1\"} 1\n", "\"b-c\" is no name of a label"),
        ("a 1 1395066363000\n", "\"a\" has a time stamp, which is not supported"),
        ("a 1 x\n", "\"x\" stands behind the value"),
        ("a{x=\"1\"} 1\na{x=\"1\"} 2\n", "line 2: the series \"a{x=\"1\"}\" is told twice"),
        ("# TYPE a gage\n", "\"gage\" is no type of a series"),
        ("# EOF\na 1\n", "line 2: there is more behind # EOF"),
        ("<html>\n", "is no name of a series"),
    ] {
        let error = open_metrics(text).unwrap_err();
        assert!(error.contains(told), "{text:?}: {error}");
    }
}

#[test]
fn hostile_labels_are_harmless_and_bounded() {
    let label = |value: &str| open_metrics(&format!("a{{b=\"{value}\"}} 1\n"));
    let taken = label("\u{1b}[2J\u{9b}31m\u{202e}evil\u{2028}").unwrap();
    assert_eq!(taken.series[0].labels["b"], " [2J 31m evil ");
    let long = label(&"x".repeat(MAX_LABEL_BYTES + 1)).unwrap_err();
    assert!(long.contains("the label b has 1025 bytes; 1024 are allowed"), "{long}");
    let many: Vec<String> = (0..40).map(|n| format!("l{n}=\"\"")).collect();
    let many = open_metrics(&format!("a{{{}}} 1\n", many.join(","))).unwrap_err();
    assert!(many.contains("has 40 labels; 32 are allowed"), "{many}");
    let name = open_metrics(&format!("{} 1\n", "n".repeat(5000))).unwrap_err();
    assert!(name.len() < 300 && name.contains("is longer than 128 bytes"), "{name}");
}

#[test]
fn of_too_many_series_the_first_are_told_and_all_are_counted() {
    let text: Vec<String> = (0..1000).map(|n| format!("a{{n=\"{n}\"}} {n}\n")).collect();
    let reading = open_metrics(&text.concat()).unwrap();
    assert_eq!((reading.series.len(), reading.total), (200, 1000));
    let data: Vec<String> = (0..300).map(|n| format!("p{n}={n}")).collect();
    let reading = nagios(&format!("OK | {}", data.join(" ")), 0);
    assert_eq!((reading.series.len(), reading.total), (200, 301));
}

#[test]
fn json_is_a_list_of_series_or_an_object_of_figures() {
    let reading = json(
        r#"{"series":[{"name":"raid_degraded","value":1,"labels":{"array":"md0","n":3},"type":"gauge"},
           {"name":"x","value":null},{"name":"y","value":true,"type":"stateset","labels":null}]}"#,
    )
    .unwrap();
    assert_eq!(lines(&reading), ["raid_degraded{array=\"md0\",n=\"3\"} 1", "x null", "y 1"]);
    assert_eq!((reading.series[0].kind, reading.series[2].kind), (SeriesType::Gauge, SeriesType::StateSet));
    let figures = json(r#"{"cpu":{"usage %":0.5,"cores":[1,{"x":-2}]},"name":"text","none":null,"9":9}"#);
    assert_eq!(lines(&figures.unwrap()), ["_9 9", "cpu_cores_0 1", "cpu_cores_1_x -2", "cpu_usage__ 0.5"]);
}

#[test]
fn json_that_is_none_or_says_something_else_is_refused() {
    let deep = "{\"a\":".repeat(200) + "1" + &"}".repeat(200);
    let nested = "{\"a\":".repeat(20) + "1" + &"}".repeat(20);
    for (text, told) in [
        ("", "it is not JSON: EOF"),
        ("{\"a\": NaN}", "it is not JSON: expected value at line 1 column 7"),
        ("{\"a\": 1", "it is not JSON: EOF"),
        ("[1]", "no object"),
        (deep.as_str(), "recursion limit"),
        (nested.as_str(), "nested deeper than 8"),
        (r#"{"series":{}}"#, "series must be a list"),
        (r#"{"series":[1]}"#, "series[0]: it must be an object"),
        (
            r#"{"series":[{"name":"a","value":1},{"name":"a","value":2}]}"#,
            "series[1]: the series \"a\" is told twice",
        ),
        (r#"{"series":[{"name":"a"}]}"#, "series[0]: value is missing"),
        (r#"{"series":[{"name":"a","value":"1"}]}"#, "value must be a number"),
        (r#"{"series":[{"name":"a b","value":1}]}"#, "\"a b\" is no name of a series"),
        (r#"{"series":[{"name":"a","value":1,"tags":{}}]}"#, "\"tags\" is unknown; allowed are name, value"),
        (r#"{"series":[{"name":"a","value":1,"type":"x"}]}"#, "is no type of a series"),
        (r#"{"series":[{"name":"a","value":1,"labels":{"b":[]}}]}"#, "the label b must be a text"),
        (r#"{"a b":1,"a_b":2}"#, "is told twice"),
    ] {
        let error = json(text).unwrap_err();
        assert!(error.contains(told) && error.len() < 400, "{text:?}: {error}");
    }
}

proptest! {
    #[test]
    fn whatever_a_plugin_writes_what_is_told_keeps_its_bounds(
        which in any::<u8>(), code in any::<u8>(),
        text in prop::collection::vec(prop_oneof![
            Just("a".to_owned()), Just("{".into()), Just("}".into()), Just("=".into()), Just("\"".into()), Just("'".into()),
            Just("|".into()), Just(";".into()), Just("\n".into()), Just(" ".into()), Just("1".into()), Just("# TYPE a gauge\n".into()),
            Just("NaN".into()), Just(",".into()), Just("\\".into()), Just("[".into()), Just("]".into()), Just(":".into()), any::<String>(),
        ], 0..60),
    ) {
        let mut bytes = vec![which, code];
        bytes.extend(text.concat().into_bytes());
        plugins(&bytes);
    }

    #[test]
    fn series_that_are_written_as_open_metrics_are_read_back(
        values in prop::collection::vec((prop::num::f64::ANY, "[a-z\"\\\\ é=,{}]{0,12}"), 0..20),
    ) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let text: Vec<String> = values.iter().enumerate()
            .map(|(n, (value, label))| format!("s{n}{{l=\"{}\"}} {value}\n", escaped(label))).collect();
        let reading = open_metrics(&text.concat()).unwrap();
        prop_assert_eq!(reading.series.len(), values.len());
        for (series, (value, label)) in reading.series.iter().zip(&values) {
            prop_assert_eq!(series.value, Some(*value).filter(|value| value.is_finite()));
            prop_assert_eq!(&series.labels["l"], label);
        }
    }
}
