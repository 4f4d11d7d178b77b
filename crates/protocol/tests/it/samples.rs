//! One message of each kind, with every field set at least once.

mod batches;
mod channels;
mod hello;
mod plugins;
mod refused;
mod responses;
mod scripts;
mod traces;

pub use self::{refused::REFUSED, responses::responses};

use infiniservice_protocol::compression::Codec;
use infiniservice_protocol::guest::{
    BreakerState, CircuitBreakerReport, ErrorMessage, KeepAlive, Output, OutputStream,
};
use infiniservice_protocol::host::{SafeCommand, Subscribe, UnsafeCommand, Unsubscribe, Wanted};
use infiniservice_protocol::metrics::{
    Collection, Cpu, CpuSeconds, Data, Disk, DiskDevice, DiskIo, DiskUsage, FailedCollector, Host, Interface,
    LoadAverage, Memory, Network, Port, Pressure, Process, Service, Stall, Stalls, System, SystemMetrics,
};
use infiniservice_protocol::stream::{Field, Fields, Stream, StreamData};
use infiniservice_protocol::{ErrorCode, GuestMessage, HostMessage, Response};
use serde_json::json;

pub fn process() -> Process {
    Process {
        pid: 612,
        ppid: 1,
        name: "sshd".into(),
        exe_path: Some("/usr/sbin/sshd".into()),
        cmd_line: Some("sshd: /usr/sbin/sshd -D [listener] caf\u{e9}".into()),
        user: Some("root".into()),
        cpu_percent: 0.25,
        memory_kb: 9216,
        disk_read_bytes: Some(1_048_576),
        disk_write_bytes: Some(4096),
        threads: 1,
        status: "sleeping".into(),
        start_time: "2026-11-23T06:00:02.000Z".into(),
    }
}

fn system() -> System {
    System {
        cpu: Cpu {
            usage_percent: 12.5,
            cores_usage: vec![20.0, 5.0],
            core_ids: Vec::new(),
            seconds: Some(cpu_seconds()),
            temperature: None,
        },
        memory: Memory {
            total_kb: 2_014_980,
            used_kb: 412_336,
            available_kb: 1_602_644,
            cached_kb: Some(1_204_988),
            buffers_kb: Some(83_412),
            oom_kills: Some(1),
            swap_total_kb: 998_396,
            swap_used_kb: 0,
        },
        disk: Disk { usage_stats: vec![disk_usage()], io_stats: disk_io(), devices: vec![disk_device()] },
        network: Network { interfaces: vec![interface()] },
        uptime_seconds: 86_461,
        load_average: Some(LoadAverage { load_1min: 0.08, load_5min: 0.03, load_15min: 0.01 }),
        pressure: Some(pressure()),
        host: host_names(),
    }
}

fn cpu_seconds() -> CpuSeconds {
    CpuSeconds {
        user: 1204.37,
        nice: Some(0.12),
        system: 311.5,
        idle: 171_002.94,
        iowait: Some(12.02),
        irq: 0.0,
        softirq: 4.81,
        steal: Some(88.3),
    }
}

fn disk_device() -> DiskDevice {
    DiskDevice {
        name: "vda".into(),
        reads: 14_201,
        read_bytes: 412_876_288,
        writes: 5120,
        write_bytes: 93_847_552,
        busy_ms: 31_416,
    }
}

fn pressure() -> Pressure {
    let some = Stall { avg10: 0.75, avg60: 0.31, avg300: 0.08, total_us: 66_139_724 };
    let full = Stall { avg60: 0.04, total_us: 15_292_357, ..Stall::default() };
    Pressure {
        cpu: Some(Stalls { some: some.clone(), full: None }),
        memory: Some(Stalls { some, full: Some(full) }),
        io: Some(Stalls::default()),
    }
}

fn disk_usage() -> DiskUsage {
    DiskUsage {
        mount_point: "/".into(),
        device: "/dev/vda1".into(),
        filesystem: "ext4".into(),
        total_gb: 8.322_113,
        used_gb: 1.25,
        available_gb: 6.629_5,
        inodes_total: Some(524_288),
        inodes_used: Some(28_731),
    }
}

fn disk_io() -> DiskIo {
    DiskIo {
        read_bytes_per_sec: 0.0,
        write_bytes_per_sec: 20_480.5,
        read_ops_per_sec: 0.0,
        write_ops_per_sec: 2.033,
        read_bytes: 412_876_288,
        write_bytes: 93_847_552,
        io_utilization_percent: 0.4,
    }
}

fn interface() -> Interface {
    Interface {
        name: "enp1s0".into(),
        mac_address: "52:54:00:12:34:56".into(),
        is_up: true,
        ip_addresses: vec!["192.168.122.17".into(), "fe80::5054:ff:fe12:3456".into()],
        mtu: 1500,
        speed_mbps: Some(1000),
        bytes_received: 18_276_345,
        bytes_sent: 921_833,
        packets_received: 15_021,
        packets_sent: 8_412,
        errors_in: 0,
        errors_out: 0,
        drops_in: 3,
        drops_out: 0,
    }
}

fn host_names() -> Host {
    Host {
        hostname: "guest-1".into(),
        os_name: "Debian GNU/Linux".into(),
        os_version: "12".into(),
        kernel_version: "6.1.0-41-cloud-amd64".into(),
        architecture: "x86_64".into(),
        boot_time: "2026-11-22T06:29:00.000Z".into(),
        machine_id: Some("9f8d2c1b7a6e4f5d8c3b2a1908f7e6d5".into()),
        virtualization: Some("qemu".into()),
    }
}

fn port() -> Port {
    Port {
        port: 22,
        protocol: "tcp".into(),
        address: "0.0.0.0".into(),
        state: "LISTEN".into(),
        pid: Some(612),
        process_name: Some("sshd".into()),
        exe_path: Some("/usr/sbin/sshd".into()),
        is_listening: true,
        connection_count: 2,
    }
}

fn service() -> Service {
    Service {
        name: "ssh.service".into(),
        display_name: "OpenBSD Secure Shell server".into(),
        description: Some("OpenBSD Secure Shell server".into()),
        state: "running".into(),
        start_type: "enabled".into(),
        service_type: Some("notify".into()),
        exe_path: Some("/usr/sbin/sshd".into()),
        pid: Some(612),
        dependencies: vec!["system.slice".into(), "sysinit.target".into()],
    }
}

/// A full message that answers a request, and an empty one as an agent sends while it warms up.
pub fn metrics() -> Vec<GuestMessage> {
    let full = SystemMetrics {
        timestamp: None,
        request_id: Some("m-1".into()),
        agent_version: "0.1.0".into(),
        data: Data {
            system: system(),
            processes: vec![process()],
            ports: vec![port()],
            services: vec![service()],
            plugins: plugins::all(),
        },
        collection: Collection {
            duration_ms: 7,
            failed: vec![FailedCollector {
                collector: "disk".into(),
                error: "/mnt/nfs: no answer in 2 s".into(),
            }],
            truncated: [("processes".into(), 412)].into(),
            age_ms: [("cpu".into(), 120)].into(),
            interval_secs: None,
        },
        trace: None,
    };
    let empty = SystemMetrics { agent_version: "0.1.0".into(), ..SystemMetrics::default() };
    let mut with_a_gap = empty.clone();
    with_a_gap.data.system.cpu.cores_usage = vec![20.0, 5.0];
    with_a_gap.data.system.cpu.core_ids = vec![0, 2];
    [full, empty, with_a_gap].map(GuestMessage::SystemMetrics).into()
}

/// Everything but metrics and responses to actions.
pub fn guest() -> Vec<GuestMessage> {
    let closed = CircuitBreakerReport {
        state: BreakerState::Closed,
        failure_count: 0,
        last_failure_time: None,
        recovery_eta_seconds: None,
        timestamp: None,
    };
    let open = CircuitBreakerReport {
        state: BreakerState::Open,
        failure_count: 15,
        last_failure_time: Some("2026-11-23T06:29:58.000Z".into()),
        recovery_eta_seconds: Some(60),
        timestamp: None,
    };
    vec![
        GuestMessage::KeepAlive(KeepAlive { sequence_number: 42, timestamp: None }),
        GuestMessage::CircuitBreakerState(open),
        GuestMessage::CircuitBreakerState(CircuitBreakerReport {
            state: BreakerState::HalfOpen,
            ..closed.clone()
        }),
        GuestMessage::CircuitBreakerState(closed),
        GuestMessage::Error(ErrorMessage {
            error: "line discarded: it is longer than max_line_bytes (1048576)".into(),
            error_code: ErrorCode::MessageTooLarge,
            details: Some(json!({"max_line_bytes": 1_048_576})),
            timestamp: None,
        }),
        GuestMessage::Hello(hello::plain()),
        GuestMessage::Hello(hello::tagged()),
        GuestMessage::Stream(stream()),
        GuestMessage::Output(Output {
            id: "u-1".into(),
            stream: OutputStream::Stderr,
            seq: 3,
            text: "\u{1b}[1m50 %\u{1b}[0m\r".into(),
            timestamp: None,
        }),
        GuestMessage::BatchResult(batches::result()),
        GuestMessage::Channel(channels::start()),
        GuestMessage::Response(unsafe_response()),
        GuestMessage::Response(Response::failed(
            "u-2",
            "UnsafeCommand",
            ErrorCode::UnsafeDisabled,
            "Raw commands are off; set allow_unsafe_commands to turn them on.",
        )),
    ]
}

fn stream() -> Stream {
    let data = Data { system: system(), processes: vec![process()], ..Data::default() };
    let mut fields = Fields::default();
    assert!(fields.add("system.cpu") && fields.add("processes"));
    Stream {
        subscription: 3,
        seq: 17,
        effective_interval_ms: 500,
        data: StreamData::of(&data, fields),
        collection: Collection { duration_ms: 2, interval_secs: Some(15), ..Collection::default() },
        timestamp: None,
    }
}

fn unsafe_response() -> Response {
    Response {
        exit_code: Some(-1),
        stdout: "line 1\nna\u{ef}ve \u{1f600}\n".into(),
        stderr: "\u{1b}[31mred\u{1b}[0m".into(),
        execution_time_ms: 1204,
        error: Some("The command did not end within 1 s; it and its children were killed.".into()),
        error_code: Some(ErrorCode::Timeout),
        stdout_truncated: Some(true),
        stdout_bytes: Some(5_000_000),
        stderr_truncated: Some(true),
        stderr_bytes: Some(2_000_000),
        success: false,
        trace: Some(Box::new(traces::trace())),
        ..Response::ok("u-1", "UnsafeCommand", json!({}))
    }
}

fn subscribe(wanted: Wanted) -> Subscribe {
    Subscribe { id: "s-1".into(), wanted, lease_secs: 30 }
}

/// All messages of the host.
pub fn host() -> Vec<HostMessage> {
    let params = json!({"service": "ssh.service", "operation": "restart"});
    let safe = SafeCommand {
        id: "cmd-002".into(),
        action: "ServiceControl".into(),
        params: params.as_object().cloned().unwrap_or_default(),
        timeout: Some(60),
        progress: true,
    };
    let bare = SafeCommand {
        id: "cmd-003".into(),
        action: "ServiceList".into(),
        params: serde_json::Map::new(),
        timeout: None,
        progress: false,
    };
    let raw = UnsafeCommand {
        id: "u-1".into(),
        raw_command: "echo \"$GREETING\"".into(),
        shell: Some("bash".into()),
        timeout: Some(5),
        working_dir: Some("/tmp".into()),
        env_vars: vec![("GREETING".into(), "gr\u{fc}\u{df} dich".into())],
        run_as: Some("nobody".into()),
        progress: true,
    };
    let batch = batches::batch(&safe, &raw);
    let live = Fields::from_iter([Field::Cpu, Field::Memory, Field::Processes]);
    vec![
        HostMessage::Metrics { id: None },
        HostMessage::Metrics { id: Some("m-1".into()) },
        HostMessage::SafeCommand(safe),
        HostMessage::SafeCommand(bare),
        HostMessage::UnsafeCommand(raw.clone()),
        traces::traced(HostMessage::UnsafeCommand(raw)),
        traces::traced(HostMessage::Metrics { id: Some("m-2".into()) }),
        HostMessage::KeepAliveResponse { sequence_number: 42 },
        HostMessage::KeepAliveRequest { sequence_number: 7 },
        HostMessage::Hello { id: Some("h-1".into()), accept: vec![] },
        HostMessage::Hello { id: None, accept: vec![Codec::Lz4] },
        HostMessage::ZReset,
        HostMessage::Cancel { id: "x-1".into(), target: "u-1".into() },
        HostMessage::Batch(batch),
        HostMessage::Subscribe(subscribe(Wanted::New { interval_ms: 250, fields: live })),
        HostMessage::Subscribe(subscribe(Wanted::Longer { subscription: 3 })),
        HostMessage::Unsubscribe(Unsubscribe { id: "s-2".into(), subscription: 3 }),
    ]
}
